/// What an operator wants to know of one certificate.
package struct CertificateSummary: Equatable, Sendable {
    package enum State: String, Equatable, Sendable {
        case valid
        /// Less than ``CertificateSummary/warningDays`` are left.
        case expiring
        case expired
        case notYetValid
        /// The file holds no certificate, or one that cannot be used with the files beside it.
        case unusable
    }

    /// Long enough for a renewal that needs somebody who is on holidays.
    package static let warningDays: Int64 = 30

    package var file: String
    package var state: State
    /// Why it is unusable.
    package var problem: String?
    /// Nil if the certificate is none of a cluster.
    package var subject: CertificateSubject?
    package var hosts: [HostName] = []
    package var serial = ""
    package var fingerprint = ""
    /// Seconds since 1970.
    package var notBefore: Int64?
    package var notAfter: Int64?

    /// All certificates of a file, or those of a folder: the authority's and the node's, with the node's key checked.
    package static func read(
        _ path: String,
        now: Int64 = UTCTime.now()
    ) throws(CertificateError) -> [CertificateSummary] {
        let files = CertificateFiles(folder: path)
        let names = [CertificateFolder.authorityName, CertificateFolder.certificateName].filter { files.exists($0) }
        guard !names.isEmpty || CertificateFiles(folder: path).exists(".") else {
            return try Certificate.all(pem: try CertificateFiles.read(path: path), name: path)
                .map { CertificateSummary($0, file: path, now: now) }
        }
        guard !names.isEmpty else {
            throw .input("Expected ca.pem or node.pem in the folder '\(path)', but found none of them")
        }
        var summaries: [CertificateSummary] = []
        for name in names {
            do {
                let certificates = try Certificate.all(pem: try files.read(name), name: files.path(name))
                summaries += certificates.map { CertificateSummary($0, file: files.path(name), now: now) }
            } catch {
                summaries.append(
                    CertificateSummary(file: files.path(name), state: .unusable, problem: error.description)
                )
            }
        }
        if names.contains(CertificateFolder.certificateName),
            let index = summaries.lastIndex(where: { $0.file == files.path(CertificateFolder.certificateName) }),
            summaries[index].state == .valid || summaries[index].state == .expiring
        {
            do {
                _ = try CertificateFolder.load(path, now: now)
            } catch {
                summaries[index].state = .unusable
                summaries[index].problem = error.description
            }
        }
        return summaries
    }

    private init(_ certificate: Certificate, file: String, now: Int64) {
        let names = certificate.names
        self.file = file
        subject = names.subject
        hosts = names.hosts
        serial = certificate.serial
        fingerprint = certificate.fingerprint
        notBefore = certificate.notBefore
        notAfter = certificate.notAfter
        guard let notBefore, let notAfter else {
            state = .unusable
            problem = "Expected a time of validity in '\(file)', but it cannot be read"
            return
        }
        if now > notAfter {
            state = .expired
        } else if now < notBefore {
            state = .notYetValid
        } else {
            state = notAfter - now < Self.warningDays * 86_400 ? .expiring : .valid
        }
    }

    private init(file: String, state: State, problem: String) {
        self.file = file
        self.state = state
        self.problem = problem
    }

    /// Whole days until the end, negative after it; nil when unknown.
    package func daysLeft(now: Int64) -> Int64? {
        notAfter.map { ($0 - now) / 86_400 }
    }
}
