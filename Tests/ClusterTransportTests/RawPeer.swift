import Foundation
import Glibc
import RaftCore
import SwiftProtobuf
import Testing

@testable import ClusterTransport

/// Runs what blocks on a thread of its own, so that other tests go on.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

/// A peer that does as the test says, over a blocking socket: for what a well-behaved one never does.
///
/// `@unchecked Sendable`: a test waits for each call before it makes the next.
final class RawPeer: @unchecked Sendable {
    private let socket: Int32
    private var tls: TLSSession?
    private var reader = FrameReader(limit: 8 << 20)

    /// Connects to the node; TLS comes with `secure`.
    init(to node: TestNode) throws {
        self.socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(self.socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = node.transport.port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(self.socket) }

    func write(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(self.socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// The next bytes; empty at the end of the stream.
    func read() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 65_536) { space, count in
            count = max(0, recv(self.socket, space.baseAddress, space.count, 0))
        }
    }

    /// Reads until the node closes the connection.
    func readToEnd() async throws {
        try await blocking { while !self.read().isEmpty {} }
    }

    /// Performs the TLS handshake with these certificates.
    func secure(_ folder: String, _ node: UInt64, of authority: TestAuthority) async throws {
        try await blocking { try self.handshake(folder, node, authority) }
    }

    private func handshake(_ folder: String, _ node: UInt64, _ authority: TestAuthority) throws {
        let context = try TLSContext(folder: folder, node: NodeID(node), clusterID: authority.clusterID)
        let tls = try TLSSession(context, isServer: false)
        self.tls = tls
        while try !tls.handshake() {
            self.flush()
            let bytes = self.read()
            try #require(!bytes.isEmpty)
            bytes.withUnsafeBytes { tls.receive($0) }
        }
        self.flush()
    }

    /// Sends bytes through TLS.
    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty, let tls = self.tls {
            let count = rest.withUnsafeBytes { tls.write($0) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
            self.flush()
        }
    }

    func send(_ body: WireEnvelope.OneOf_Body, attachments: [[UInt8]] = []) throws {
        self.send(try OutgoingFrame(body, attachments: attachments).bytes)
    }

    /// The next frame; nil at the end of the stream.
    func receive() async throws -> WireEnvelope.OneOf_Body? {
        try await blocking { try self.nextFrame() }
    }

    private func nextFrame() throws -> WireEnvelope.OneOf_Body? {
        guard let tls = self.tls else { return nil }
        while true {
            if let frame = try self.reader.next() {
                return try WireEnvelope(serializedBytes: frame.header).body
            }
            var result = TLSSession.ReadResult.starved
            _ = self.reader.fill { space in
                result = (try? tls.read(into: space)) ?? .ended
                if case .bytes(let count) = result { return count }
                return 0
            }
            switch result {
            case .bytes: continue
            case .ended: return nil
            case .starved:
                let bytes = self.read()
                if bytes.isEmpty { return nil }
                bytes.withUnsafeBytes { tls.receive($0) }
            }
        }
    }

    /// Says hello and waits for the answer.
    func greet(
        as node: UInt64,
        of authority: TestAuthority,
        stream: StreamKind,
        process: UInt64 = 0
    ) async throws -> WireEnvelope.OneOf_Body? {
        try self.sendHello(as: node, of: authority, stream: stream, process: process)
        return try await self.receive()
    }

    func sendHello(as node: UInt64, of authority: TestAuthority, stream: StreamKind, process: UInt64) throws {
        let identity = Identity(
            node: NodeID(node),
            clusterID: authority.clusterID,
            directoryID: "folder-\(node)",
            featureLevel: 1,
            oldestFeatureLevel: 1,
            processID: process
        )
        try self.send(.hello(identity.hello(for: stream)))
    }

    private func flush() {
        guard let tls = self.tls else { return }
        while tls.outputBytes > 0 {
            let bytes = [UInt8](unsafeUninitializedCapacity: tls.outputBytes) { space, count in
                count = tls.takeOutput(into: UnsafeMutableRawBufferPointer(space))
            }
            self.write(bytes)
        }
    }
}
