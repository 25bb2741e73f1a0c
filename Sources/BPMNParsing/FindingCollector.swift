/// Keeps what is found, up to a limit, and hands it out in file order.
struct FindingCollector {
    let limit: Int
    private var findings: [ValidationFinding] = []
    private var omittedCount = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func add(_ finding: ValidationFinding) {
        if self.findings.count < self.limit {
            self.findings.append(finding)
        } else {
            self.omittedCount += 1
        }
    }

    /// - Returns: nil when nothing was found.
    func error() -> BPMNError? {
        if self.findings.isEmpty { return nil }
        let sorted = self.findings.enumerated().sorted { left, right in
            (left.element.line, left.element.column, left.offset)
                < (right.element.line, right.element.column, right.offset)
        }
        return BPMNError(findings: sorted.map(\.element), omittedCount: self.omittedCount)
    }
}
