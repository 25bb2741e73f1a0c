import ClusterCertificates
import Foundation
import Testing

/// Certificates as the `openssl` program sees them.
@Suite struct AuthorityTests {
    @Test func `a node's certificate is verified by openssl, for both ends of a connection`() throws {
        let folder = try ScratchFolder.withNode()

        for purpose in ["sslserver", "sslclient"] {
            let outcome = try OpenSSLTool.run(
                "verify",
                "-x509_strict",
                "-purpose",
                purpose,
                "-CAfile",
                folder("node/ca.pem"),
                folder("node/node.pem")
            )
            #expect(outcome.status == 0, "\(outcome.text)")
        }
        let named = try OpenSSLTool.run(
            "verify",
            "-verify_hostname",
            "db3.example.com",
            "-CAfile",
            folder("ca/ca.pem"),
            folder("node/node.pem")
        )
        #expect(named.status == 0, "\(named.text)")
        let misnamed = try OpenSSLTool.run(
            "verify",
            "-verify_hostname",
            "db4.example.com",
            "-CAfile",
            folder("ca/ca.pem"),
            folder("node/node.pem")
        )
        #expect(misnamed.status != 0)
    }

    @Test func `a node's certificate says what the cluster relies on`() throws {
        let folder = try ScratchFolder.withNode()

        let text = try OpenSSLTool.run("x509", "-noout", "-text", "-in", folder("node/node.pem")).text

        for part in [
            "URI:thalweg://00112233aabbccdd/node/3", "DNS:db3.example.com", "IP Address:10.0.0.3",
            "IP Address:FD00:0:0:0:0:0:0:3", "CA:FALSE", "Digital Signature",
            "TLS Web Server Authentication, TLS Web Client Authentication", "prime256v1", "ecdsa-with-SHA256",
            "Version: 3",
        ] {
            #expect(text.contains(part), "\(part) is missing in \(text)")
        }
    }

    @Test func `an authority signs nodes' certificates and nothing else`() throws {
        let folder = try ScratchFolder.withNode()

        let text = try OpenSSLTool.run("x509", "-noout", "-text", "-in", folder("ca/ca.pem")).text

        for part in [
            "URI:thalweg://00112233aabbccdd\n", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "prime256v1",
        ] {
            #expect(text.contains(part), "\(part) is missing in \(text)")
        }
        #expect(!text.contains("TLS Web Server"))
    }

    @Test func `another cluster's authority does not verify a node`() throws {
        let (one, other) = (try ScratchFolder.withNode(), try ScratchFolder.withNode())

        let outcome = try OpenSSLTool.run("verify", "-CAfile", other("ca/ca.pem"), one("node/node.pem"))

        #expect(outcome.status != 0)
    }

    @Test func `serial numbers differ and have about 128 bits`() throws {
        let folder = try ScratchFolder.withNode()

        let summaries = try CertificateSummary.read(folder("node"))

        #expect(Set(summaries.map(\.serial)).count == 2)
        #expect(summaries.allSatisfy { (24...32).contains($0.serial.count) })
        let serial = try OpenSSLTool.run("x509", "-noout", "-serial", "-in", folder("node/node.pem")).text
        #expect(serial.lowercased() == "serial=\(summaries[1].serial)\n")
    }

    @Test func `keys and folders are for their owner alone`() throws {
        let folder = try ScratchFolder.withNode()

        #expect(try folder.mode("ca") == 0o700)
        #expect(try folder.mode("node") == 0o700)
        #expect(try folder.mode("ca/ca.key") == 0o600)
        #expect(try folder.mode("node/node.key") == 0o600)
        #expect(try folder.mode("node/node.pem") == 0o644)
        #expect(!folder.exists("node/ca.key"))
    }

    @Test func `an authority that is there stays, unless it is forced away`() throws {
        let folder = try ScratchFolder.withNode()
        let before = try folder.bytes("ca/ca.key")
        let create = { (isForced: Bool) in
            _ = try ClusterAuthority.create(
                in: folder("ca"),
                clusterID: .random(),
                validity: Validity(now: UTCTime.now(), seconds: 60),
                isForced: isForced
            )
        }

        #expect(throws: CertificateError.self) { try create(false) }
        #expect(try folder.bytes("ca/ca.key") == before)

        try create(true)
        #expect(try folder.bytes("ca/ca.key") != before)
        #expect(try folder.bytes("ca/ca.key.old") == before)
        #expect(try folder.mode("ca/ca.key.old") == 0o600)
    }

    @Test func `a certificate ends no later than its authority`() throws {
        let folder = try ScratchFolder()
        let now = UTCTime.now()
        let authority = try ClusterAuthority.create(
            in: folder("ca"),
            clusterID: .random(),
            validity: try Validity(now: now, days: 10)
        )

        let node = try ClusterAuthority.createNode(
            1,
            hosts: [try HostName("a")],
            authorityFolder: folder("ca"),
            in: folder("node"),
            validity: try Validity(now: now, days: 365)
        )

        #expect(node.isCut)
        #expect(node.validity.notAfter == authority.validity.notAfter)
        #expect(try CertificateFolder.read(folder("node")).notAfter == authority.validity.notAfter)
    }

    @Test func `an expired authority signs nothing`() throws {
        let folder = try ScratchFolder()
        _ = try ClusterAuthority.create(
            in: folder("ca"),
            clusterID: .random(),
            validity: Validity(now: UTCTime.now(), seconds: -5)
        )

        let error = #expect(throws: CertificateError.self) {
            _ = try ClusterAuthority.createNode(
                1,
                hosts: [try HostName("a")],
                authorityFolder: folder("ca"),
                in: folder("node"),
                validity: try Validity(now: UTCTime.now(), days: 1)
            )
        }
        #expect(error?.description.contains("expired") == true)
        #expect(!folder.exists("node/node.key"))
    }

    @Test func `the authority's folder cannot be a node's`() throws {
        let folder = try ScratchFolder.withNode()

        #expect(throws: CertificateError.self) {
            _ = try ClusterAuthority.createNode(
                4,
                hosts: [try HostName("a")],
                authorityFolder: folder("ca"),
                in: folder("./ca/."),
                validity: try Validity(now: UTCTime.now(), days: 1)
            )
        }
    }

    @Test(arguments: ["", "-a", "a-", "a..b", "*.example.com", "10.0.0.256", "a b", "a:8080", "ä.de", "a,DNS:b", "a\0"])
    func `what is no host is refused`(text: String) {
        #expect(throws: CertificateError.self) { try HostName(text) }
    }

    @Test(arguments: [("DB1.Example.com", "db1.example.com"), ("::1", "::1"), ("FD00:0::1", "fd00::1"), ("x", "x")])
    func `hosts have one spelling`(text: String, expected: String) throws {
        #expect(try HostName(text).description == expected)
    }

    @Test(arguments: ["", "0", "0000000000000000", "00112233aabbccd", "00112233aabbccddd", "00112233aabbccdg"])
    func `what is no cluster id is refused`(text: String) {
        #expect(throws: CertificateError.self) { try ClusterIdentifier(text) }
    }

    @Test(
        arguments: [
            "", "thalweg://", "thalweg://00112233aabbccdd/", "thalweg://00112233aabbccdd/node/0",
            "thalweg://00112233aabbccdd/node/+1", "thalweg://00112233aabbccdd/node/01",
            "thalweg://00112233AABBCCDD/node/1", "thalweg://00112233aabbccdd/node/1/", "http://00112233aabbccdd",
            "thalweg://00112233aabbccdd/node/18446744073709551616",
        ])
    func `a name with another spelling names nobody`(uri: String) {
        #expect(CertificateSubject(uri: uri) == nil)
    }

    @Test func `days have limits`() {
        #expect(throws: CertificateError.self) { try Validity(now: 0, days: 0) }
        #expect(throws: CertificateError.self) { try Validity(now: 0, days: 36_501) }
        #expect(throws: CertificateError.self) { try Validity(now: 0, days: .max) }
    }
}
