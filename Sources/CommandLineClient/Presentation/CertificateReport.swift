import ClusterCertificates
import JSON

/// What `certs show` prints.
struct CertificateReport: Sendable {
    let summaries: [CertificateSummary]
    /// Seconds since 1970.
    let now: Int64

    /// Whether the exit code shall be 1.
    var isFailure: Bool {
        self.summaries.contains { summary in
            switch summary.state {
            case .valid, .expiring: false
            case .expired, .notYetValid, .unusable: true
            }
        }
    }

    var document: JSONValue {
        var fields = JSONFields()
        fields["certificates"] = .array(self.summaries.map { self.document(of: $0) })
        return fields.value
    }

    /// The table, then one line for each certificate that needs attention.
    func lines(width: Int?, style: TextStyle) -> [String] {
        var table = Table([
            .text("FILE"), .key("SUBJECT"), .key("CLUSTER"), .text("HOSTS"), .key("VALID UNTIL"), .text("LEFT"),
        ])
        for summary in self.summaries {
            table.append([
                summary.file,
                Self.subject(of: summary),
                summary.subject?.clusterID.description ?? "-",
                summary.hosts.map { $0.description }.joined(separator: " "),
                // The day is enough for people; JSON has the second.
                summary.notAfter.map { String(UTCTime.text($0).prefix(10)) } ?? "-",
                self.left(of: summary),
            ])
        }
        return table.lines(fitting: width) + self.summaries.compactMap { self.remark(on: $0, style: style) }
    }

    private func remark(on summary: CertificateSummary, style: TextStyle) -> String? {
        let end = summary.notAfter.map { UTCTime.text($0) } ?? "an unknown time"
        let text: String
        switch summary.state {
        case .valid: return nil
        case .expiring:
            return style.warning(
                TerminalText.sanitized("Warning: \(summary.file) expires at \(end); \(Self.remedy(for: summary))")
            )
        case .expired: text = "\(summary.file) expired at \(end); \(Self.remedy(for: summary))"
        case .notYetValid:
            let begin = summary.notBefore.map { UTCTime.text($0) } ?? "an unknown time"
            text = "\(summary.file) is valid from \(begin) only; check this machine's clock"
        case .unusable: text = summary.problem ?? "\(summary.file) cannot be used"
        }
        return style.bad(TerminalText.sanitized("Error: \(text)"))
    }

    private static func remedy(for summary: CertificateSummary) -> String {
        switch summary.subject?.nodeID {
        case nil where summary.subject != nil: "make a new authority with the same --cluster-id, and renew all nodes"
        case nil: "make a new one where it came from"
        default: "renew it with 'thalweg certs renew'"
        }
    }

    private static func subject(of summary: CertificateSummary) -> String {
        guard let subject = summary.subject else { return "-" }
        return subject.nodeID.map { "node \($0)" } ?? "authority"
    }

    private func left(of summary: CertificateSummary) -> String {
        switch summary.state {
        case .expired: "expired"
        case .notYetValid: "not yet"
        case .unusable: "unusable"
        case .valid, .expiring: summary.daysLeft(now: self.now).map { "\($0) d" } ?? "-"
        }
    }

    private func document(of summary: CertificateSummary) -> JSONValue {
        var fields = JSONFields()
        fields["file"] = .string(summary.file)
        fields["state"] = .string(summary.state.rawValue)
        fields["problem"] = summary.problem.map { .string($0) }
        fields["clusterId"] = summary.subject.map { .string($0.clusterID.description) }
        // As a string, like every identifier: it may be larger than a double holds.
        fields["nodeId"] = summary.subject?.nodeID.map { .string(String($0)) }
        fields["hosts"] = .array(summary.hosts.map { .string($0.description) })
        fields["serial"] = .string(summary.serial)
        fields["sha256"] = .string(summary.fingerprint)
        fields["notBefore"] = summary.notBefore.map { .string(UTCTime.text($0)) }
        fields["notAfter"] = summary.notAfter.map { .string(UTCTime.text($0)) }
        fields["daysLeft"] = summary.daysLeft(now: self.now).map { .int($0) }
        return fields.value
    }
}
