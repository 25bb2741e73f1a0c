package import RaftCore

/// Where a node of the cluster listens for the others.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or an IP address.
    package var host: String
    /// A TCP port.
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`; an IPv6 address stands in brackets. Nil when it is something else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= 255 else { return nil }
        self.init(host: String(host), port: port)
    }

    package var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

/// What a node needs to talk to the others.
package struct TransportConfiguration: Sendable {
    /// The node itself; its certificate must name it.
    package var node: NodeID
    /// The cluster, as in the certificates' `thalweg://CLUSTERID/node/N`.
    package var clusterID: String
    /// Identifies the data folder. Two processes with one node identifier and different folders are told apart by it.
    package var directoryID: String
    /// Drawn at random for each start of a process: tells apart two that run from a folder and its copy.
    package var processID: UInt64
    /// What is known of the others' folders; nil keeps it until the process ends.
    package var directories: (any DirectoryMemory)?
    /// The IP address or name to listen on.
    package var listenHost: String
    /// The TCP port to listen on; zero for any free one.
    package var listenPort: UInt16
    /// The folder with `node.pem`, `node.key` and `ca.pem`.
    package var certificateFolder: String
    /// What this release can do.
    package var featureLevel: UInt32
    /// The oldest feature level this release works together with.
    package var oldestFeatureLevel: UInt32
    package var limits: TransportLimits

    package init(
        node: NodeID,
        clusterID: String,
        directoryID: String,
        directories: (any DirectoryMemory)? = nil,
        listenHost: String = "127.0.0.1",
        listenPort: UInt16 = 0,
        certificateFolder: String,
        featureLevel: UInt32 = 1,
        oldestFeatureLevel: UInt32 = 1,
        limits: TransportLimits = TransportLimits()
    ) {
        self.node = node
        self.clusterID = clusterID
        self.directoryID = directoryID
        self.directories = directories
        self.processID = .random(in: 1...(.max))
        self.listenHost = listenHost
        self.listenPort = listenPort
        self.certificateFolder = certificateFolder
        self.featureLevel = featureLevel
        self.oldestFeatureLevel = oldestFeatureLevel
        self.limits = limits
    }

    /// What the other nodes' hellos are measured against.
    var identity: Identity {
        Identity(
            node: self.node,
            clusterID: self.clusterID,
            directoryID: self.directoryID,
            featureLevel: self.featureLevel,
            oldestFeatureLevel: self.oldestFeatureLevel,
            processID: self.processID
        )
    }
}

/// Bounds on what peers may make a node hold or wait for. Times are in milliseconds.
package struct TransportLimits: Sendable {
    /// The longest frame of the consensus and the requests stream, in bytes: an entry has up to 4 MiB.
    package var frameBytes = 8 << 20
    /// The longest frame of the bulk stream, in bytes.
    package var bulkFrameBytes = 1 << 20
    /// What waits to be sent to one peer on one stream at most, in bytes; more is dropped.
    package var queuedBytes = 64 << 20
    /// What waits to be sent to one peer on one stream at most, in frames.
    package var queuedFrames = 65_536
    /// Requests of one peer that wait for their answer at most, and requests to one peer.
    package var outstandingRequests = 4_096
    /// Accepted connections whose peer is not yet known; the oldest is closed for a new one.
    package var unauthenticatedConnections = 64
    /// Files sent to others at the same time.
    package var bulkTransfers = 8
    /// The size of the pieces files are sent in, in bytes.
    package var pieceBytes = 256 << 10
    /// How many bytes of a file may be on their way at once.
    package var bulkWindowBytes = 4 << 20
    /// Until a TCP connection stands.
    package var connectMilliseconds: UInt64 = 2_000
    /// For the whole TLS handshake, however slowly bytes come.
    package var handshakeMilliseconds: UInt64 = 5_000
    /// From the end of the handshake to the hello.
    package var helloMilliseconds: UInt64 = 2_000
    /// Between signs of life.
    package var pingMilliseconds: UInt64 = 500
    /// A connection that was silent so long is closed.
    package var idleMilliseconds: UInt64 = 5_000
    /// How long a process that is connected may take to show that it lives when another one comes with its identity.
    /// Less than `helloMilliseconds`, which is how long that other one waits.
    package var probeMilliseconds: UInt64 = 1_000
    /// The first wait before a connection is tried again; it doubles up to the longest.
    package var firstBackoffMilliseconds: UInt64 = 10
    /// The longest wait before a connection is tried again.
    package var longestBackoffMilliseconds: UInt64 = 1_000
    /// What is left to be sent when the transport stops may take so long.
    package var goodbyeMilliseconds: UInt64 = 1_000

    package init() {}

    func frameBytes(of stream: StreamKind) -> Int {
        switch stream {
        case .consensus, .requests: self.frameBytes
        case .bulk: self.bulkFrameBytes
        }
    }
}
