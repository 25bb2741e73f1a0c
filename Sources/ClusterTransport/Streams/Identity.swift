import RaftCore

/// Who a node is, as its hello and its certificate say it.
struct Identity: Hashable, Sendable {
    /// The version of the frames. Raised when an older reader would misunderstand them.
    static let protocolVersion: UInt32 = 1
    static let oldestProtocolVersion: UInt32 = 1
    static let longestName = 128
    /// Of what a peer says about its refusal, in characters.
    static let longestReason = 512

    var node: NodeID
    var clusterID: String
    var directoryID: String
    var featureLevel: UInt32
    var oldestFeatureLevel: UInt32
    var protocolVersion = Self.protocolVersion
    var oldestProtocolVersion = Self.oldestProtocolVersion
    /// Drawn by each start of a process; zero where it does not matter.
    var processID: UInt64 = 0

    /// The hello that opens a stream of this kind.
    func hello(for stream: StreamKind) -> WireHello {
        var hello = WireHello()
        hello.protocolVersion = self.protocolVersion
        hello.oldestProtocolVersion = self.oldestProtocolVersion
        hello.featureLevel = self.featureLevel
        hello.oldestFeatureLevel = self.oldestFeatureLevel
        hello.clusterID = self.clusterID
        hello.node = self.node.rawValue
        hello.directoryID = self.directoryID
        hello.processID = self.processID
        switch stream {
        case .consensus: hello.stream = .consensus
        case .requests: hello.stream = .requests
        case .bulk: hello.stream = .bulk
        }
        return hello
    }

    /// The stream a hello opens.
    ///
    /// - Parameter certificate: who the peer's certificate says it is.
    /// - Throws: why the peer must not be talked to.
    func stream(openedBy hello: WireHello, certificate: CertificateName) throws(Refusal) -> StreamKind {
        guard self.oldestProtocolVersion <= hello.protocolVersion, hello.oldestProtocolVersion <= self.protocolVersion
        else {
            throw Refusal(
                .protocolVersion,
                "Expected protocol version \(self.oldestProtocolVersion) to \(self.protocolVersion), "
                    + "but got \(hello.oldestProtocolVersion) to \(hello.protocolVersion)"
            )
        }
        guard hello.clusterID == self.clusterID else {
            throw Refusal(
                .wrongCluster,
                "Expected a node of cluster \(self.clusterID), but got one of '\(Self.shown(hello.clusterID))'"
            )
        }
        guard hello.node == certificate.node.rawValue else {
            throw Refusal(
                .wrongNode,
                "Expected node \(certificate.node), which the certificate names, but got \(hello.node)"
            )
        }
        guard hello.node != self.node.rawValue else {
            throw Refusal(
                .duplicateNode,
                "Expected another node, but got one that has this node's identifier \(self.node)"
                    + (hello.directoryID == self.directoryID
                        ? ": an address leads back to the node itself" : " and another data folder")
            )
        }
        guard self.oldestFeatureLevel <= hello.featureLevel, hello.oldestFeatureLevel <= self.featureLevel else {
            throw Refusal(
                .featureLevel,
                "Expected feature level \(self.oldestFeatureLevel) to \(self.featureLevel), "
                    + "but got \(hello.oldestFeatureLevel) to \(hello.featureLevel); upgrade the older node first"
            )
        }
        guard !hello.directoryID.isEmpty, hello.directoryID.utf8.count <= Self.longestName else {
            throw Refusal(
                .malformed,
                "Expected the identifier of a data folder, but got \(hello.directoryID.utf8.count) bytes"
            )
        }
        switch hello.stream {
        case .consensus: return .consensus
        case .requests: return .requests
        case .bulk: return .bulk
        case .unspecified, .UNRECOGNIZED:
            throw Refusal(.malformed, "Expected a kind of stream, but got \(hello.stream.rawValue)")
        }
    }

    /// Text of a peer for the log: short, and without anything but letters, digits and a few signs.
    static func shown(_ text: String, limit: Int = Self.longestName) -> String {
        let allowed = text.unicodeScalars.prefix(limit).map { scalar in
            scalar.isASCII && scalar.value >= 0x20 && scalar.value < 0x7F ? Character(scalar) : "?"
        }
        return String(allowed)
    }
}

/// Why a connection is not used.
struct Refusal: Error, Hashable, Sendable {
    /// Known to the other side by its number; a number is never used again.
    enum Code: UInt32, Hashable, Sendable {
        case malformed = 1
        case wrongCluster = 2
        case wrongNode = 3
        case duplicateNode = 4
        case protocolVersion = 5
        case featureLevel = 6
        /// TLS: another CA, an expired certificate, an older version of TLS, no TLS at all.
        case handshake = 7
        case tooSlow = 8
        case tooMany = 9
        /// The other side refused; its own words are in the text.
        case refusedByPeer = 10
        /// Another process with the same identity and the same data folder is connected and alive.
        case duplicateProcess = 11
    }

    var code: Code
    var text: String

    init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }
}

/// What the name `thalweg://CLUSTERID/node/N` in a certificate says.
struct CertificateName: Hashable, Sendable {
    private static let scheme = "thalweg://"

    var clusterID: String
    var node: NodeID

    init(clusterID: String, node: NodeID) {
        self.clusterID = clusterID
        self.node = node
    }

    /// Nil unless the text is exactly such a name.
    init?(_ text: String) {
        guard text.utf8.count <= 256, text.hasPrefix(Self.scheme) else { return nil }
        let parts = text.dropFirst(Self.scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[1] == "node" else { return nil }
        guard let number = UInt64(parts[2]), String(number) == parts[2] else { return nil }
        self.init(clusterID: String(parts[0]), node: NodeID(number))
    }
}
