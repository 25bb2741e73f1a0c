import RaftCore
import Testing

@testable import ClusterTransport

/// What is decided without a socket.
@Suite struct RuleTests {
    private static let own = Identity(
        node: NodeID(1),
        clusterID: "aa",
        directoryID: "folder-1",
        featureLevel: 5,
        oldestFeatureLevel: 4
    )

    private static var hello: WireHello {
        var other = self.own
        other.node = NodeID(2)
        other.directoryID = "folder-2"
        return other.hello(for: .requests)
    }

    private static let certificate = CertificateName(clusterID: "aa", node: NodeID(2))

    @Test(
        arguments: [
            (0, 0, 5, 4, Refusal.Code.protocolVersion), (3, 2, 5, 4, .protocolVersion), (1, 1, 3, 2, .featureLevel),
            (1, 1, 7, 6, .featureLevel),
        ] as [(UInt32, UInt32, UInt32, UInt32, Refusal.Code)]
    )
    func `a hello of another version is refused`(
        version: UInt32,
        oldestVersion: UInt32,
        level: UInt32,
        oldestLevel: UInt32,
        code: Refusal.Code
    ) {
        var hello = Self.hello
        hello.protocolVersion = version
        hello.oldestProtocolVersion = oldestVersion
        hello.featureLevel = level
        hello.oldestFeatureLevel = oldestLevel
        let refusal = #expect(throws: Refusal.self) {
            try Self.own.stream(openedBy: hello, certificate: Self.certificate)
        }
        #expect(refusal?.code == code)
    }

    @Test func `neighbouring feature levels work together`() throws {
        var hello = Self.hello
        hello.featureLevel = 6
        hello.oldestFeatureLevel = 5
        #expect(try Self.own.stream(openedBy: hello, certificate: Self.certificate) == .requests)
        hello.featureLevel = 4
        hello.oldestFeatureLevel = 3
        #expect(try Self.own.stream(openedBy: hello, certificate: Self.certificate) == .requests)
    }

    @Test func `a hello must fit the certificate, the cluster and the node`() {
        func refusal(_ change: (inout WireHello) -> Void) -> Refusal.Code? {
            var hello = Self.hello
            change(&hello)
            do throws(Refusal) {
                _ = try Self.own.stream(openedBy: hello, certificate: Self.certificate)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.clusterID = "bb" } == .wrongCluster)
        #expect(refusal { $0.node = 3 } == .wrongNode)
        #expect(refusal { $0.directoryID = "" } == .malformed)
        #expect(refusal { $0.directoryID = String(repeating: "x", count: 200) } == .malformed)
        #expect(refusal { $0.stream = .unspecified } == .malformed)
        #expect(refusal { $0.stream = .UNRECOGNIZED(8) } == .malformed)
    }

    @Test func `a node that has our own identifier is a duplicate`() {
        var hello = Self.hello
        hello.node = 1
        let name = CertificateName(clusterID: "aa", node: NodeID(1))
        let refusal = #expect(throws: Refusal.self) { try Self.own.stream(openedBy: hello, certificate: name) }
        #expect(refusal?.code == .duplicateNode)
    }

    @Test(arguments: [
        "thalweg://aa", "thalweg://aa/node", "thalweg://aa/node/", "thalweg://aa/node/x", "thalweg://aa/node/01",
        "thalweg://aa/node/-1", "thalweg:///node/1", "http://aa/node/1", "thalweg://aa/node/1/2",
        "thalweg://aa/node/99999999999999999999", "", "thalweg://aa/knot/1",
    ])
    func `only an exact name names a node`(text: String) {
        #expect(CertificateName(text) == nil)
    }

    @Test func `a name names cluster and node`() {
        #expect(CertificateName("thalweg://aa/node/12") == CertificateName(clusterID: "aa", node: NodeID(12)))
    }

    @Test(
        arguments: [
            ("host:1", "host", 1), ("[::1]:65535", "::1", 65_535), ("10.0.0.1:9000", "10.0.0.1", 9_000),
        ] as [(String, String, UInt16)]
    )
    func `an address is read and written`(text: String, host: String, port: UInt16) {
        #expect(PeerAddress(text) == PeerAddress(host: host, port: port))
        #expect(PeerAddress(text)?.description == text)
    }

    @Test(arguments: ["", "host", ":1", "host:", "host:65536", "::1:9", "host:-1"])
    func `what is no address is not read`(text: String) {
        #expect(PeerAddress(text) == nil)
    }

    @Test func `the first attempt is made at once, later ones wait longer and longer up to a bound`() {
        var backoff = Backoff(first: 10, longest: 1_000)
        let shortest = (0..<12).map { _ in backoff.next(chance: 0) }
        #expect(shortest == [0, 5, 10, 20, 40, 80, 160, 320, 500, 500, 500, 500])
        backoff.reset()
        let longest = (0..<12).map { _ in backoff.next(chance: 0.999_999) }
        #expect(longest == [0, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000])
    }

    @Test func `the shortest round trip tells how far a clock is off`() {
        var clock = ClockSamples()
        #expect(clock.best == nil)
        clock.add(roundTrip: 1_000, sentAt: 0, peerAt: 7_000_500)
        clock.add(roundTrip: 100, sentAt: 10_000, peerAt: 7_010_050)
        clock.add(roundTrip: 5_000, sentAt: 20_000, peerAt: 7_021_000)
        #expect(clock.best == ClockSamples.Sample(roundTrip: 100, offset: 7_000_000))
        // What a hostile peer may say changes nothing.
        clock.add(roundTrip: 1, sentAt: .min, peerAt: .max)
        #expect(clock.best?.roundTrip == 100)
        for _ in 0..<8 { clock.add(roundTrip: 300, sentAt: 0, peerAt: 150) }
        #expect(clock.best == ClockSamples.Sample(roundTrip: 300, offset: 0))
    }

    @Test func `the same refusal is logged once in ten seconds, with the times it happened`() {
        var log = RefusalLog()
        func note(_ code: Refusal.Code, of who: String, at now: UInt64) -> Int { log.note(code, of: who, at: now) }
        #expect(note(.handshake, of: "node 2", at: 0) == 1)
        #expect(note(.handshake, of: "node 3", at: 0) == 1)
        #expect(note(.wrongNode, of: "node 2", at: 0) == 1)
        #expect(note(.handshake, of: "node 2", at: 5_000) == 0)
        #expect(note(.handshake, of: "node 2", at: 9_999) == 0)
        #expect(note(.handshake, of: "node 2", at: 10_000) == 3)
        #expect(note(.handshake, of: "node 2", at: 10_001) == 0)
        let lines = (0..<1_000).reduce(0) { $0 + log.note(.handshake, of: "host \($1)", at: 10_002) }
        #expect(lines < 260)
    }
}
