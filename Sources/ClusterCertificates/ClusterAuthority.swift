/// A folder with a cluster's authority: `ca.pem` and `ca.key`. Makes and renews certificates.
package enum ClusterAuthority {
    /// What was made.
    package struct Issued: Equatable, Sendable {
        package var subject: CertificateSubject
        package var validity: Validity
        /// The authority ends before the certificate should have; the certificate was cut to the authority's end.
        package var isCut = false
    }

    /// Makes a cluster's authority in `folder`. An existing one is kept, unless `isForced`; then it stays as `.old`.
    package static func create(
        in folder: String,
        clusterID: ClusterIdentifier,
        validity: Validity,
        isForced: Bool = false
    ) throws(CertificateError) -> Issued {
        let files = CertificateFiles(folder: folder)
        try files.makeFolder()
        return try files.locked { () throws(CertificateError) in
            let names = [CertificateFolder.authorityName, CertificateFolder.authorityKeyName]
            if let name = names.first(where: { files.exists($0) }), !isForced {
                throw .refused(
                    "Expected a folder without an authority, but '\(files.path(name))' is there; without its key no "
                        + "certificate of that cluster can be renewed. Choose another folder, or add --force to "
                        + "replace it"
                )
            }
            let subject = CertificateSubject(clusterID: clusterID, nodeID: nil)
            let key = try PrivateKey()
            let certificate = try CertificateRequest(subject: subject, validity: validity).issue(for: key)
            try replace(
                files,
                certificate: (CertificateFolder.authorityName, try certificate.pem()),
                key: (CertificateFolder.authorityKeyName, try key.pem())
            )
            return Issued(subject: subject, validity: validity)
        }
    }

    /// Makes the key and certificate of a node in `folder`, signed by the authority in `authorityFolder`.
    package static func createNode(
        _ nodeID: UInt64,
        hosts: [HostName],
        authorityFolder: String,
        in folder: String,
        validity: Validity,
        isForced: Bool = false,
        now: Int64 = UTCTime.now()
    ) throws(CertificateError) -> Issued {
        guard nodeID > 0 else { throw .input("Expected a node id of at least 1, but got 0") }
        guard (1...HostName.countLimit).contains(hosts.count) else {
            throw .input("Expected 1 to \(HostName.countLimit) hosts, but got \(hosts.count)")
        }
        let authority = try Authority(folder: authorityFolder, now: now)
        let files = CertificateFiles(folder: folder)
        try files.makeFolder()
        guard !files.isSame(as: CertificateFiles(folder: authorityFolder)) else {
            throw .input(
                "Expected a folder of the node's own, but got the authority's '\(folder)': its key must never lie on a "
                    + "node; choose another folder with --out"
            )
        }
        return try files.locked { () throws(CertificateError) in
            let names = [CertificateFolder.certificateName, CertificateFolder.keyName]
            if let name = names.first(where: { files.exists($0) }), !isForced {
                throw .refused(
                    "Expected a folder without a node's certificate, but '\(files.path(name))' is there; renew it with "
                        + "'thalweg certs renew', or add --force to replace it"
                )
            }
            try files.prepare(CertificateFolder.authorityName, authority.pem)
            try files.install(CertificateFolder.authorityName)
            let subject = CertificateSubject(clusterID: authority.clusterID, nodeID: nodeID)
            return try issue(subject, hosts: hosts, by: authority, validity: validity, to: files)
        }
    }

    /// Gives a node a new key and a new certificate with its old node id and hosts. The last pair stays as
    /// `node.pem.old` and `node.key.old`.
    ///
    /// The order makes it safe to die at any point: both new files are written and synced under temporary names; the
    /// old ones are kept; the new key takes its place; the new certificate takes its place. Between the last two steps
    /// ``CertificateFolder/load(_:now:)`` finds the certificate that fits the key under its temporary name, and the
    /// next renewal finishes the step.
    package static func renew(
        _ folder: String,
        authorityFolder: String,
        validity: Validity,
        now: Int64 = UTCTime.now()
    ) throws(CertificateError) -> Issued {
        let authority = try Authority(folder: authorityFolder, now: now)
        let files = CertificateFiles(folder: folder)
        return try files.locked { () throws(CertificateError) in
            let pair = try CertificateFolder.readPair(files)
            if pair.isUnfinished { try files.install(CertificateFolder.certificateName) }
            let name = files.path(CertificateFolder.certificateName)
            let old = try CertificateFolder.identity(of: pair.certificate, name: name)
            guard old.clusterID == authority.clusterID else {
                throw .input(
                    "Expected the authority of cluster \(old.clusterID), which '\(name)' belongs to, but got the "
                        + "one of "
                        + "cluster \(authority.clusterID); name another folder with --ca"
                )
            }
            let trustedName = files.path(CertificateFolder.authorityName)
            let trusted = try Certificate.all(pem: try files.read(CertificateFolder.authorityName), name: trustedName)
            guard trusted.contains(where: { $0.fits(authority.key) }) else {
                throw .input(
                    "Expected the authority that '\(trustedName)' trusts, but got a newer one of the same cluster; "
                        + "first "
                        + "append its ca.pem to the ca.pem of every node, then renew"
                )
            }
            let subject = CertificateSubject(clusterID: old.clusterID, nodeID: old.nodeID)
            return try issue(subject, hosts: old.hosts, by: authority, validity: validity, to: files)
        }
    }

    private static func issue(
        _ subject: CertificateSubject,
        hosts: [HostName],
        by authority: Authority,
        validity: Validity,
        to files: CertificateFiles
    ) throws(CertificateError) -> Issued {
        var issued = Issued(subject: subject, validity: validity)
        if validity.notAfter > authority.notAfter {
            issued.validity.notAfter = authority.notAfter
            issued.isCut = true
        }
        let key = try PrivateKey()
        let certificate = try CertificateRequest(subject: subject, hosts: hosts, validity: issued.validity)
            .issue(for: key, signedBy: (authority.certificate, authority.key))
        try replace(
            files,
            certificate: (CertificateFolder.certificateName, try certificate.pem()),
            key: (CertificateFolder.keyName, try key.pem())
        )
        return issued
    }

    private static func replace(
        _ files: CertificateFiles,
        certificate: (name: String, pem: [UInt8]),
        key: (name: String, pem: [UInt8])
    ) throws(CertificateError) {
        try files.prepare(key.name, key.pem, isSecret: true)
        try files.prepare(certificate.name, certificate.pem)
        try files.keepOld(key.name, isSecret: true)
        try files.keepOld(certificate.name)
        try files.install(key.name)
        try files.install(certificate.name)
    }
}

/// An authority that was read from its folder and may sign.
private struct Authority {
    let certificate: Certificate
    let key: PrivateKey
    let clusterID: ClusterIdentifier
    let notAfter: Int64
    let pem: [UInt8]

    init(folder: String, now: Int64) throws(CertificateError) {
        let files = CertificateFiles(folder: folder)
        let name = files.path(CertificateFolder.authorityName)
        guard files.exists(CertificateFolder.authorityName) else {
            throw .input(
                "Expected a cluster's authority in '\(folder)', but there is no ca.pem; make one with "
                    + "'thalweg certs create-ca --out \(folder)', or name its folder with --ca"
            )
        }
        pem = try files.read(CertificateFolder.authorityName)
        certificate = try Certificate.all(pem: pem, name: name)[0]
        guard let subject = certificate.names.subject, subject.nodeID == nil, certificate.isAuthority else {
            throw .input("Expected a cluster's authority in '\(name)', but got another certificate")
        }
        clusterID = subject.clusterID
        try files.checkSecret(CertificateFolder.authorityKeyName)
        let keyName = files.path(CertificateFolder.authorityKeyName)
        key = try PrivateKey(pem: try files.read(CertificateFolder.authorityKeyName), name: keyName)
        guard certificate.fits(key) else {
            throw .input("Expected '\(keyName)' to be the key of '\(name)', but they do not fit; restore both files")
        }
        guard let end = certificate.notAfter, now <= end else {
            throw .input(
                "Expected an authority that is valid now, but '\(name)' expired"
                    + (certificate.notAfter.map { " at \(UTCTime.text($0))" } ?? "")
                    + "; make a new one with the same --cluster-id"
            )
        }
        notAfter = end
    }
}
