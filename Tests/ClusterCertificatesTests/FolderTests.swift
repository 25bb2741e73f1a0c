import ClusterCertificates
import Foundation
import Testing

/// What a node reads at its start, and how it is renewed.
@Suite struct FolderTests {
    private func renew(_ folder: ScratchFolder, ca: String = "ca") throws {
        _ = try ClusterAuthority.renew(
            folder("node"),
            authorityFolder: folder(ca),
            validity: try Validity(now: UTCTime.now(), days: 365)
        )
    }

    @Test func `a node learns who it is`() throws {
        let folder = try ScratchFolder.withNode()

        let identity = try CertificateFolder.read(folder("node"))

        #expect(identity.clusterID.description == "00112233aabbccdd")
        #expect(identity.nodeID == 3)
        #expect(identity.hosts.map(\.description) == ["db3.example.com", "10.0.0.3", "fd00::3"])
        let now = UTCTime.now()
        #expect((now - 360...now - 300).contains(identity.notBefore))
        #expect((now + 364 * 86_400...now + 365 * 86_400).contains(identity.notAfter))
    }

    @Test func `a renewal keeps who the node is, and keeps the old pair`() throws {
        let folder = try ScratchFolder.withNode(seconds: 86_400)
        let before = try CertificateFolder.load(folder("node"))

        try renew(folder)

        let after = try CertificateFolder.load(folder("node"))
        #expect(after.identity.nodeID == 3)
        #expect(after.identity.hosts == before.identity.hosts)
        #expect(after.identity.notAfter > before.identity.notAfter)
        #expect(after.keyPEM != before.keyPEM)
        #expect(after.certificatePEM != before.certificatePEM)
        #expect(Array(try folder.bytes("node/node.key.old")) == before.keyPEM)
        #expect(Array(try folder.bytes("node/node.pem.old")) == before.certificatePEM)
        #expect(try folder.mode("node/node.key") == 0o600)
        #expect(try folder.mode("node/node.key.old") == 0o600)
        #expect(!folder.exists("node/node.key.new"))
        #expect(!folder.exists("node/node.pem.new"))
    }

    @Test func `an expired certificate can be renewed`() throws {
        let folder = try ScratchFolder.withNode(seconds: -60)
        let error = #expect(throws: CertificateError.self) { try CertificateFolder.read(folder("node")) }
        #expect(error?.description.contains("thalweg certs renew") == true)

        try renew(folder)

        #expect(try CertificateFolder.read(folder("node")).nodeID == 3)
    }

    /// Each row is the files that a crash between two steps leaves: those of the new pair that are in place already.
    @Test(arguments: [[], ["node.key"], ["node.key", "node.pem"]])
    func `a node starts whatever step a renewal died at`(installed: [String]) throws {
        let folder = try ScratchFolder.withNode()
        let old = try CertificateFolder.load(folder("node"))
        for name in ["node.key", "node.pem"] { try folder.copy("node/\(name)", to: name) }
        try renew(folder)
        let new = try CertificateFolder.load(folder("node"))
        for name in ["node.key", "node.pem"] where !installed.contains(name) {
            try folder.copy("node/\(name)", to: "node/\(name).new")
            try folder.copy(name, to: "node/\(name)")
        }

        let found = try CertificateFolder.load(folder("node"))
        #expect(found == (installed.isEmpty ? old : new))

        try renew(folder)
        #expect(try CertificateFolder.read(folder("node")).nodeID == 3)
        #expect(Array(try folder.bytes("node/node.pem.old")) == found.certificatePEM)
        #expect(Array(try folder.bytes("node/node.key.old")) == found.keyPEM)
    }

    @Test func `a key that others can read is refused, one for a group is not`() throws {
        let folder = try ScratchFolder.withNode()

        try folder.setMode(0o644, of: "node/node.key")
        let error = #expect(throws: CertificateError.self) { try CertificateFolder.read(folder("node")) }
        #expect(error?.description.contains("chmod 600") == true)

        try folder.setMode(0o640, of: "node/node.key")
        #expect(try CertificateFolder.read(folder("node")).nodeID == 3)
        try renew(folder)
        #expect(try folder.mode("node/node.key") == 0o640)
    }

    @Test(arguments: ["node.pem", "node.key", "ca.pem"])
    func `a missing file is named`(name: String) throws {
        let folder = try ScratchFolder.withNode()
        try FileManager.default.removeItem(atPath: folder("node/\(name)"))

        let error = #expect(throws: CertificateError.self) { try CertificateFolder.read(folder("node")) }

        #expect(error?.description.contains(name) == true)
    }

    @Test(arguments: ["node.pem", "node.key", "ca.pem"])
    func `a damaged file is named`(name: String) throws {
        let folder = try ScratchFolder.withNode()
        let whole = try folder.bytes("node/\(name)")
        let damaged: [Data] = [
            Data(), Data("nonsense".utf8), whole.prefix(whole.count / 2), whole + whole.prefix(60),
            Data(whole.reversed()), Data(repeating: 0x41, count: 2 << 20),
        ]

        for bytes in damaged {
            // A key is read up to its end, so that text after it is nobody's problem.
            if name == "node.key", bytes.starts(with: whole) { continue }
            try folder.write("node/\(name)", bytes)
            if name == "node.key" { try folder.setMode(0o600, of: "node/node.key") }
            let error = #expect(throws: CertificateError.self) { try CertificateFolder.read(folder("node")) }
            #expect(error?.description.contains(name) == true)
        }
    }

    @Test func `files of different nodes and clusters do not fit`() throws {
        let (one, other) = (try ScratchFolder.withNode(), try ScratchFolder.withNode())
        let cases: [(String, String)] = [("node.key", "fit"), ("ca.pem", "signed")]
        for (name, word) in cases {
            let kept = try one.bytes("node/\(name)")
            try one.write("node/\(name)", try other.bytes("node/\(name)"))
            let error = #expect(throws: CertificateError.self) { try CertificateFolder.read(one("node")) }
            #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
            try one.write("node/\(name)", kept)
        }
        #expect(try CertificateFolder.read(one("node")).nodeID == 3)
    }

    @Test func `an authority's certificate is none of a node`() throws {
        let folder = try ScratchFolder.withNode()
        try folder.copy("ca/ca.pem", to: "node/node.pem")
        try folder.copy("ca/ca.key", to: "node/node.key")

        let error = #expect(throws: CertificateError.self) { try CertificateFolder.read(folder("node")) }

        #expect(error?.description.contains("/node/N") == true)
    }

    @Test func `a node is renewed by the authority it trusts only`() throws {
        let folder = try ScratchFolder.withNode()
        let before = try folder.bytes("node/node.key")
        _ = try ClusterAuthority.create(
            in: folder("ca2"),
            clusterID: try ClusterIdentifier("00112233aabbccdd"),
            validity: try Validity(now: UTCTime.now(), days: 10)
        )
        #expect(throws: CertificateError.self) { try renew(folder, ca: "ca2") }
        #expect(try folder.bytes("node/node.key") == before)

        // Both authorities are trusted while a cluster moves to the new one.
        try folder.write("node/ca.pem", try folder.bytes("node/ca.pem") + folder.bytes("ca2/ca.pem"))
        try renew(folder, ca: "ca2")
        #expect(try CertificateFolder.read(folder("node")).nodeID == 3)
    }

    @Test func `what expires within thirty days is marked`() throws {
        let folder = try ScratchFolder.withNode(seconds: 86_400 * 29)
        let now = UTCTime.now()

        #expect(try CertificateSummary.read(folder("node"), now: now).map(\.state) == [.valid, .expiring])
        #expect(try CertificateSummary.read(folder("node"), now: now + 86_400 * 30).map(\.state) == [.valid, .expired])
        #expect(try CertificateSummary.read(folder("node/node.pem"), now: now - 3_600).map(\.state) == [.notYetValid])
        #expect(try CertificateSummary.read(folder("ca"), now: now).map(\.subject?.nodeID) == [nil])
        #expect(throws: CertificateError.self) { try CertificateSummary.read(folder("nowhere")) }
        #expect(throws: CertificateError.self) { try CertificateSummary.read(folder("")) }
    }
}
