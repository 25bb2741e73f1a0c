/// The rules a model file is checked against. The raw value is the stable id that users and documentation see.
package enum ValidationRule: String, Hashable, Sendable, CaseIterable {
    case xmlNotWellFormed = "xml-not-well-formed"
    case xmlDoctype = "xml-doctype"
    case xmlTooLarge = "xml-too-large"
    case xmlTooDeep = "xml-too-deep"
    case xmlTooManyElements = "xml-too-many-elements"
    case xmlTooManyAttributes = "xml-too-many-attributes"
    case xmlValueTooLong = "xml-value-too-long"
    case notBPMN = "not-bpmn"

    case unsupportedElement = "unsupported-element"
    case modelTooLarge = "model-too-large"
    case noExecutableProcess = "no-executable-process"
    case missingID = "missing-id"
    case invalidID = "invalid-id"
    case duplicateID = "duplicate-id"
    case nameTooLong = "name-too-long"
    case invalidBoolean = "invalid-boolean"
    case danglingReference = "dangling-reference"

    case flowCrossesScope = "flow-crosses-scope"
    case conditionNotAllowed = "condition-not-allowed"
    case conditionNotFEEL = "condition-not-feel"
    case conditionMissing = "condition-missing"
    case defaultFlow = "default-flow"
    case straightThroughLoop = "straight-through-loop"

    case startEventMissing = "start-event-missing"
    case startEventDuplicate = "start-event-duplicate"
    case startEventKind = "start-event-kind"
    case startEventVariables = "start-event-variables"
    case startEventIncoming = "start-event-incoming"
    case endEventOutgoing = "end-event-outgoing"
    case boundaryEventIncoming = "boundary-event-incoming"
    case boundaryEventAttachment = "boundary-event-attachment"
    case boundaryEventNotInterrupting = "boundary-event-not-interrupting"
    case eventDefinitionMissing = "event-definition-missing"
    case eventDefinitionNotAllowed = "event-definition-not-allowed"
    case eventGatewayOutgoing = "event-gateway-outgoing"
    case eventGatewayTarget = "event-gateway-target"

    case timerDefinition = "timer-definition"
    case timerNotAllowed = "timer-not-allowed"
    case timerLiteral = "timer-literal"
    case messageMissing = "message-missing"
    case messageName = "message-name"
    case messageDuplicate = "message-duplicate"
    case correlationKey = "correlation-key"
    case errorMissing = "error-missing"
    case errorCode = "error-code"
    case errorDuplicate = "error-duplicate"

    case taskImplementation = "task-implementation"
    case taskType = "task-type"
    case taskRetries = "task-retries"
    case taskHeader = "task-header"
    case scriptExpression = "script-expression"
    case resultVariable = "result-variable"
    case calledElement = "called-element"
    case userTaskSetting = "user-task-setting"
    case duplicateExtension = "duplicate-extension"
    case mappingNotAllowed = "mapping-not-allowed"
    case mappingTarget = "mapping-target"
    case versionTag = "version-tag"
    case feelSyntax = "feel-syntax"
}

/// One thing that is wrong with a model file: where, what, and what to do.
package struct ValidationFinding: Hashable, Sendable, CustomStringConvertible {
    package var resourceName: String
    /// Counted from 1.
    package var line: Int
    /// In characters, counted from 1.
    package var column: Int
    /// The nearest element with an id; nil where the file as a whole is meant.
    package var elementID: String?
    package var rule: ValidationRule
    /// "Expected X, but got Y."
    package var message: String
    /// What the author of the model can do about it.
    package var advice: String

    package init(
        resourceName: String,
        line: Int,
        column: Int,
        elementID: String?,
        rule: ValidationRule,
        message: String,
        advice: String
    ) {
        self.resourceName = resourceName
        self.line = line
        self.column = column
        self.elementID = elementID
        self.rule = rule
        self.message = message
        self.advice = advice
    }

    /// One line of text.
    package var description: String {
        let subject = self.elementID.map { " \(quoted($0))" } ?? ""
        return "\(shown(self.resourceName, limit: 120)):\(self.line):\(self.column):\(subject) [\(self.rule.rawValue)] "
            + "\(self.message) \(self.advice)"
    }
}

/// Why a model file was refused: everything that is wrong with it, in file order.
package struct BPMNError: Error, Hashable, CustomStringConvertible {
    /// Never empty; at most `BPMNLimits.findingCount`.
    package var findings: [ValidationFinding]
    /// Findings that were counted, but not kept.
    package var omittedCount: Int

    /// How many findings `description` shows.
    package static let describedCount = 50

    package init(findings: [ValidationFinding], omittedCount: Int = 0) {
        self.findings = findings
        self.omittedCount = omittedCount
    }

    /// One readable text with the first findings, a line each, and how many more there are.
    package var description: String {
        let total = self.findings.count + self.omittedCount
        let name = self.findings.first?.resourceName ?? ""
        let noun = total == 1 ? "finding" : "findings"
        var lines = ["Expected a valid BPMN model in \(quoted(name)), but got \(total) \(noun):"]
        for finding in self.findings.prefix(Self.describedCount) {
            lines.append("- \(finding.description)")
        }
        let hidden = total - min(self.findings.count, Self.describedCount)
        if hidden > 0 {
            lines.append("- and \(hidden) more")
        }
        return lines.joined(separator: "\n")
    }
}

/// Text of a file as it is shown in findings: short, on one line, in quotes.
func quoted(_ text: String) -> String {
    "'" + shown(text, limit: 120) + "'"
}

/// Text of a file without anything that could break a line, or the reader's trust in it, cut to a number of characters.
func shown(_ text: String, limit: Int) -> String {
    var result = ""
    for (position, scalar) in text.unicodeScalars.enumerated() {
        if position == limit { return result + "…" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: result += " "
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
