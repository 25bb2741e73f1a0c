import CLibuv
import Logging
import RaftCore

/// What one stream to a peer consists of: the connection this node dials and the one the peer dials. Each side dials,
/// so each notices at once when the other's process is gone. Used on the loop's thread only.
final class PeerLane {
    let stream: StreamKind
    unowned let peer: Peer
    private unowned let core: TransportCore
    private(set) var outgoing: Connection?
    var incoming: Connection?
    private var backoff: Backoff
    private let timer: LoopTimer
    /// The addresses still to be tried for the current attempt.
    private var addresses: [sockaddr_storage] = []
    /// Whether each address tried so far refused.
    private var allRefused = true
    /// Counts attempts, so that a name that is resolved too late is of no use.
    private var attempt = 0
    private var isDialing = false

    init(_ core: TransportCore, peer: Peer, stream: StreamKind) {
        self.core = core
        self.peer = peer
        self.stream = stream
        self.timer = LoopTimer(core.loop)
        self.backoff = Backoff(
            first: core.limits.firstBackoffMilliseconds,
            longest: core.limits.longestBackoffMilliseconds
        )
    }

    /// The connection on which something can be sent now.
    var usable: Connection? {
        if let outgoing, outgoing.isReady { return outgoing }
        if let incoming, incoming.isReady { return incoming }
        return nil
    }

    /// Stops dialling and closes what was dialled.
    func hangUp() {
        self.attempt += 1
        self.isDialing = false
        self.timer.stop()
        let connection = self.outgoing
        self.outgoing = nil
        connection?.closeAfterFlush(.local)
    }

    func close() {
        self.hangUp()
        self.timer.close()
    }

    // MARK: Dialling

    /// Connects, now or after the wait that is due, unless it does already.
    func dial() {
        guard self.peer.address != nil, self.outgoing == nil, !self.isDialing, self.core.mayConnect else { return }
        self.isDialing = true
        let wait = self.backoff.next(chance: Double.random(in: 0..<1))
        guard wait > 0 else { return self.resolve() }
        self.timer.start(after: wait) { [unowned self] in self.resolve() }
    }

    private func resolve() {
        guard let address = self.peer.address, self.core.mayConnect else { return }
        self.attempt += 1
        self.allRefused = true
        if let numeric = Self.numeric(address) {
            self.addresses = [numeric]
            return self.dialNext()
        }
        let attempt = self.attempt
        NameLookup.start(address, on: self.core.loop) { [weak self] result in
            guard let self, self.attempt == attempt else { return }
            switch result {
            case .success(let addresses):
                self.addresses = addresses
                self.dialNext()
            case .failure(let error):
                self.failed(.failed(error.text))
            }
        }
    }

    /// The address, unless its host is a name.
    static func numeric(_ address: PeerAddress) -> sockaddr_storage? {
        var storage = sockaddr_storage()
        let isFound = withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            return uv_ip4_addr(address.host, Int32(address.port), raw.assumingMemoryBound(to: sockaddr_in.self)) == 0
                || uv_ip6_addr(address.host, Int32(address.port), raw.assumingMemoryBound(to: sockaddr_in6.self)) == 0
        }
        return isFound ? storage : nil
    }

    private func dialNext() {
        guard !self.addresses.isEmpty else { return self.failed(.failed("Expected an address, but got none")) }
        var address = self.addresses.removeFirst()
        let connection = Connection(self.core, role: .dialed(self.peer.node, self.stream))
        self.outgoing = connection
        withUnsafePointer(to: &address) { pointer in
            connection.dial(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self))
        }
    }

    /// The connection this node dialled is of no use any more.
    func outgoingEnded(_ connection: Connection, _ end: ConnectionEnd) {
        guard self.outgoing === connection else { return }
        self.outgoing = nil
        if end != .portRefused { self.allRefused = false }
        if connection.readySince == 0, !self.addresses.isEmpty, self.core.mayConnect { return self.dialNext() }
        // After a connection that lived, the first attempt is made at once; after one that did not, there is no hurry.
        if connection.readySince != 0, uv_now(self.core.loop.handle) &- connection.readySince >= 100 {
            self.backoff.reset()
        }
        self.failed(end)
    }

    private func failed(_ end: ConnectionEnd) {
        self.isDialing = false
        self.core.logger.trace(
            "Attempt ended",
            metadata: ["peer.node": "\(self.peer.node)", "peer.stream": "\(self.stream)", "reason": "\(end)"]
        )
        if end == .portRefused, self.allRefused, self.stream == .consensus { self.peer.portRefused() }
        self.dial()
    }

    /// The dialled connection is ready.
    func outgoingReady() {
        self.isDialing = false
        self.addresses = []
        if self.stream == .consensus { self.peer.portAnswered() }
    }

    /// Tries again soon: the peer has just dialled us, so it lives.
    func retrySoon() {
        guard self.outgoing == nil, self.isDialing, self.timer.isActive else { return }
        self.backoff.reset()
        self.isDialing = false
        self.timer.stop()
        self.dial()
    }
}

/// Asks the system for a name's addresses, on a thread of libuv's.
final class NameLookup {
    private let done: (Result<[sockaddr_storage], TransportError>) -> Void
    private let address: PeerAddress

    private init(_ address: PeerAddress, _ done: @escaping (Result<[sockaddr_storage], TransportError>) -> Void) {
        self.address = address
        self.done = done
    }

    static func start(
        _ address: PeerAddress,
        on loop: EventLoop,
        _ done: @escaping (Result<[sockaddr_storage], TransportError>) -> Void
    ) {
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        request.pointee.data = Unmanaged.passRetained(NameLookup(address, done)).toOpaque()
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let code = uv_getaddrinfo(
            loop.handle,
            request,
            { request, status, list in
                guard let request, let data = request.pointee.data else { return }
                request.deallocate()
                Unmanaged<NameLookup>.fromOpaque(data).takeRetainedValue().finish(status, list)
                uv_freeaddrinfo(list)
            },
            address.host,
            String(address.port),
            &hints
        )
        if code != 0 {
            let lookup = Unmanaged<NameLookup>.fromOpaque(request.pointee.data).takeRetainedValue()
            request.deallocate()
            lookup.finish(code, nil)
        }
    }

    private func finish(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        guard status == 0 else {
            let text = "Expected an address of '\(self.address.host)', but got: \(EventLoop.text(of: status))"
            return self.done(.failure(TransportError(.notSent, text)))
        }
        self.done(.success(Self.addresses(list)))
    }

    /// Up to eight addresses of the list.
    static func addresses(_ list: UnsafeMutablePointer<addrinfo>?) -> [sockaddr_storage] {
        var addresses: [sockaddr_storage] = []
        var next = list
        while let entry = next, addresses.count < 8 {
            if let address = entry.pointee.ai_addr {
                var storage = sockaddr_storage()
                let count = min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
                withUnsafeMutableBytes(of: &storage) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count))
                }
                addresses.append(storage)
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
