/// Who a node is, by its certificate.
package struct NodeCertificateIdentity: Hashable, Sendable {
    package var clusterID: ClusterIdentifier
    /// At least 1.
    package var nodeID: UInt64
    /// Names and addresses under which the node is reached, as written in the certificate.
    package var hosts: [HostName]
    /// Seconds since 1970.
    package var notBefore: Int64
    /// Seconds since 1970, the last one of its life.
    package var notAfter: Int64
}

/// Everything a node needs for its connections, of one moment: the key fits the certificate, also while somebody renews
/// them.
package struct NodeCertificate: Hashable, Sendable {
    package var identity: NodeCertificateIdentity
    /// The node's own certificate, PEM.
    package var certificatePEM: [UInt8]
    /// Its private key, PEM. Never to be logged.
    package var keyPEM: [UInt8]
    /// The authorities whose nodes are trusted, PEM; usually one, two while a cluster moves to a new one.
    package var authorityPEM: [UInt8]
}

/// A node's folder: `node.pem`, `node.key` and `ca.pem`.
package enum CertificateFolder {
    package static let certificateName = "node.pem"
    package static let keyName = "node.key"
    package static let authorityName = "ca.pem"
    package static let authorityKeyName = "ca.key"

    /// Who the node of that folder is. Fails as ``load(_:now:)`` does.
    package static func read(
        _ path: String,
        now: Int64 = UTCTime.now()
    ) throws(CertificateError) -> NodeCertificateIdentity {
        try load(path, now: now).identity
    }

    /// Reads and checks everything a node needs.
    ///
    /// Fails with a ``CertificateError`` that says what to do when a file is missing or no PEM, when others can read
    /// the key, when the certificate names no node, when key and certificate do not fit, when no authority of `ca.pem`
    /// that belongs to the same cluster signed it, and when it is not yet or no longer valid at `now` (seconds since
    /// 1970).
    package static func load(
        _ path: String,
        now: Int64 = UTCTime.now()
    ) throws(CertificateError) -> NodeCertificate {
        let files = CertificateFiles(folder: path)
        let pair = try readPair(files)
        let authorityPEM = try files.read(authorityName)
        let authorities = try Certificate.all(pem: authorityPEM, name: files.path(authorityName))
        let name = files.path(certificateName)
        let identity = try identity(of: pair.certificate, name: name)
        for authority in authorities {
            guard let subject = authority.names.subject, subject.nodeID == nil, authority.isAuthority else {
                throw .input(
                    "Expected certificates of a cluster's authority in '\(files.path(authorityName))', but got another"
                )
            }
            guard subject.clusterID == identity.clusterID else {
                throw .input(
                    "Expected an authority of cluster \(identity.clusterID) in '\(files.path(authorityName))', but got "
                        + "one of cluster \(subject.clusterID); the files of two clusters are mixed up"
                )
            }
        }
        try checkTime(identity, now: now, name: name)
        if let problem = pair.certificate.problem(against: authorities, at: now) {
            throw .input(
                "Expected '\(name)' to be signed by an authority of '\(files.path(authorityName))' and good for a "
                    + "node, "
                    + "but: \(problem)"
            )
        }
        return NodeCertificate(
            identity: identity,
            certificatePEM: pair.certificatePEM,
            keyPEM: pair.keyPEM,
            authorityPEM: authorityPEM
        )
    }

    struct Pair {
        var certificate: Certificate
        var certificatePEM: [UInt8]
        var keyPEM: [UInt8]
        /// The certificate still has its temporary name: somebody is between the two steps of a renewal, or died there.
        var isUnfinished = false
    }

    /// The key and the certificate that fits it. A renewal replaces the key first and the certificate after it, so for
    /// a moment, or after a crash at that moment, the fitting one still has its temporary name.
    static func readPair(_ files: CertificateFiles) throws(CertificateError) -> Pair {
        try files.checkSecret(keyName)
        let keyPEM = try files.read(keyName)
        let key = try PrivateKey(pem: keyPEM, name: files.path(keyName))
        if files.exists(certificateName + CertificateFiles.newSuffix),
            let pem = try? files.read(certificateName + CertificateFiles.newSuffix),
            let certificate = try? Certificate.all(pem: pem, name: "").first, certificate.fits(key)
        {
            return Pair(certificate: certificate, certificatePEM: pem, keyPEM: keyPEM, isUnfinished: true)
        }
        let pem = try files.read(certificateName)
        // The first one is the node's; others would be a chain.
        let certificate = try Certificate.all(pem: pem, name: files.path(certificateName))[0]
        guard certificate.fits(key) else {
            throw .input(
                "Expected '\(files.path(keyName))' to be the key of '\(files.path(certificateName))', but they do not "
                    + "fit; restore both files of one pair, or make a new pair with 'thalweg certs create-node'"
            )
        }
        return Pair(certificate: certificate, certificatePEM: pem, keyPEM: keyPEM)
    }

    static func identity(of certificate: Certificate, name: String) throws(CertificateError) -> NodeCertificateIdentity
    {
        let names = certificate.names
        guard let subject = names.subject, let nodeID = subject.nodeID else {
            throw .input(
                "Expected one name of the form thalweg://CLUSTER/node/N in '\(name)', but got "
                    + (names.uris.isEmpty ? "none" : names.uris.map { "'\($0.prefix(80))'" }.joined(separator: ", "))
                    + "; make the certificate with 'thalweg certs create-node'"
            )
        }
        guard let notBefore = certificate.notBefore, let notAfter = certificate.notAfter else {
            throw .input("Expected a time of validity in '\(name)', but it cannot be read")
        }
        return NodeCertificateIdentity(
            clusterID: subject.clusterID,
            nodeID: nodeID,
            hosts: names.hosts,
            notBefore: notBefore,
            notAfter: notAfter
        )
    }

    private static func checkTime(
        _ identity: NodeCertificateIdentity,
        now: Int64,
        name: String
    ) throws(CertificateError) {
        guard now <= identity.notAfter else {
            throw .input(
                "Expected a certificate that is valid now (\(UTCTime.text(now))), but '\(name)' expired at "
                    + "\(UTCTime.text(identity.notAfter)); renew it with 'thalweg certs renew'"
            )
        }
        guard now >= identity.notBefore else {
            throw .input(
                "Expected a certificate that is valid now (\(UTCTime.text(now))), but '\(name)' is valid from "
                    + "\(UTCTime.text(identity.notBefore)) only; check the machine's clock"
            )
        }
    }
}
