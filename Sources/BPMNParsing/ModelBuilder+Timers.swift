import BPMNModel

/// Timers.
extension ModelBuilder {
    /// Where a timer stands, in the words of findings.
    enum TimerPlace: String {
        case processStart = "a start event"
        case intermediateCatch = "an intermediate catch event"
        case interruptingBoundary = "an interrupting boundary event"
        case nonInterruptingBoundary = "a non-interrupting boundary event"

        var allowedKinds: [TimerKind] {
            switch self {
            case .processStart: [.date, .cycle]
            case .intermediateCatch, .interruptingBoundary: [.date, .duration]
            case .nonInterruptingBoundary: [.date, .duration, .cycle]
            }
        }
    }

    private static let timerKinds: [String: TimerKind] = [
        "timeCycle": .cycle, "timeDate": .date, "timeDuration": .duration,
    ]

    mutating func timer(_ node: Int, at place: TimerPlace) -> TimerDefinition? {
        let parts = self.tree[node].children.filter {
            self.tree[$0].namespace == .bpmn && Self.timerKinds[self.tree[$0].name] != nil
        }
        guard parts.count == 1, let part = parts.first, let kind = Self.timerKinds[self.tree[part].name] else {
            self.report(
                .timerDefinition,
                at: node,
                "Expected one of 'timeDate', 'timeDuration' and 'timeCycle', but got \(parts.count).",
                advice: "Choose one kind of timer."
            )
            return nil
        }
        if !place.allowedKinds.contains(kind) {
            let allowed = place.allowedKinds.map { "'\($0.rawValue)'" }.joined(separator: " or ")
            self.report(
                .timerNotAllowed,
                at: part,
                "Expected a timer of kind \(allowed) on \(place.rawValue), but got '\(kind.rawValue)'.",
                advice: "Choose another kind of timer."
            )
            return nil
        }
        let (text, position) = self.trimmedText(of: part)
        let expression = self.expression(text, named: self.tree[part].name, at: part, position: position)
        if case .literal = expression, let expected = Self.expectedForm(of: text, kind) {
            self.report(
                .timerLiteral,
                at: part,
                "Expected \(expected), but got \(quoted(text)).",
                advice: kind == .cycle
                    ? "Write a repetition in ISO 8601, a cron expression with six fields, or an expression after '='."
                    : "Write the timer in ISO 8601, or as an expression after '='."
            )
            return nil
        }
        return TimerDefinition(kind: kind, expression: expression)
    }

    /// - Returns: nil when the text has the form its kind needs.
    private static func expectedForm(of text: String, _ kind: TimerKind) -> String? {
        switch kind {
        case .date: TimerLiteral.isDateTime(text) ? nil : "a date and time such as '2027-01-31T12:00:00Z'"
        case .duration: TimerLiteral.isDuration(text) ? nil : "a duration such as 'PT15M'"
        case .cycle: TimerLiteral.isCycle(text) ? nil : "a repetition such as 'R3/PT10M' or '0 0 9 * * MON-FRI'"
        }
    }
}
