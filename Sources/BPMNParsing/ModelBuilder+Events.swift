import BPMNModel

/// Events, and the messages, errors and timers they refer to.
extension ModelBuilder {
    private static let refusedEventDefinitions: [String: String] = [
        "cancelEventDefinition": "a cancel",
        "compensateEventDefinition": "a compensation",
        "conditionalEventDefinition": "a conditional",
        "escalationEventDefinition": "an escalation",
        "eventDefinitionRef": "a referring",
        "linkEventDefinition": "a link",
        "signalEventDefinition": "a signal",
    ]

    private enum EventContent {
        case none
        /// Something was refused and reported.
        case refused
        case definition(name: String, node: Int)
    }

    mutating func readStartEvent(_ context: inout ElementContext) {
        switch self.eventContent(of: &context, allowed: ["message", "timer"]) {
        case .none, .refused:
            break
        case .definition("timer", let node):
            let timer = self.timer(node, at: .processStart)
            self.checkReadsNoVariables(timer?.expression, at: node)
            context.element.event = timer.map { .timer($0) }
        case .definition(_, let node):
            let message = self.messageDefinition(of: node, needsCorrelationKey: false)
            self.checkReadsNoVariables(message?.name, at: node)
            // Every published message may start an instance, whatever its key.
            context.element.event = message.map { .message(MessageDefinition(name: $0.name, correlationKey: nil)) }
        }
        self.markMissingEvent(&context)
    }

    mutating func readEndEvent(_ context: inout ElementContext) {
        switch self.eventContent(of: &context, allowed: ["error", "message", "terminate"]) {
        case .none, .refused:
            break
        case .definition("error", let node):
            context.element.event = self.errorDefinition(of: node, isThrown: true).map { .error($0) }
            self.refuseOutputs(of: context)
        case .definition("terminate", _):
            context.element.event = .terminate
            self.refuseOutputs(of: context)
        case .definition:
            self.readJob(&context)
        }
    }

    mutating func readIntermediateThrowEvent(_ context: inout ElementContext) {
        if case .definition = self.eventContent(of: &context, allowed: ["message"]) {
            self.readJob(&context)
        }
    }

    mutating func readIntermediateCatchEvent(_ context: inout ElementContext) {
        switch self.eventContent(of: &context, allowed: ["message", "timer"]) {
        case .none:
            self.reportMissingDefinition(&context)
        case .refused:
            break
        case .definition("timer", let node):
            context.element.event = self.timer(node, at: .intermediateCatch).map { .timer($0) }
        case .definition(_, let node):
            context.element.event = self.messageDefinition(of: node, needsCorrelationKey: true).map { .message($0) }
        }
        self.markMissingEvent(&context)
    }

    mutating func readBoundaryEvent(_ context: inout ElementContext) {
        let isInterrupting = self.flag("cancelActivity", of: context.node, default: true)
        context.element.isInterrupting = isInterrupting
        switch self.eventContent(of: &context, allowed: ["error", "message", "timer"]) {
        case .none:
            self.reportMissingDefinition(&context)
        case .refused:
            break
        case .definition("error", let node):
            context.element.event = self.errorDefinition(of: node, isThrown: false).map { .error($0) }
            if !isInterrupting {
                self.report(
                    .boundaryEventNotInterrupting,
                    at: context.node,
                    "Expected an error boundary event that interrupts, but got cancelActivity=\"false\".",
                    advice: "Remove the attribute: a caught error always ends the activity."
                )
            }
        case .definition("timer", let node):
            let place: TimerPlace = isInterrupting ? .interruptingBoundary : .nonInterruptingBoundary
            context.element.event = self.timer(node, at: place).map { .timer($0) }
        case .definition(_, let node):
            context.element.event = self.messageDefinition(of: node, needsCorrelationKey: true).map { .message($0) }
        }
        self.markMissingEvent(&context)
    }

    /// The one event definition of an event.
    /// - Parameter allowed: names without `EventDefinition`.
    private mutating func eventContent(of context: inout ElementContext, allowed: Set<String>) -> EventContent {
        let suffix = "EventDefinition"
        let definitions = self.tree[context.node].children.filter { child in
            let name = self.tree[child].name
            return self.tree[child].namespace == .bpmn && (name.hasSuffix(suffix) || name == "eventDefinitionRef")
        }
        guard let node = definitions.first else { return .none }
        context.isIncomplete = true
        if definitions.count > 1 {
            self.reportUnsupported("a multiple \(context.element.kind.words)", at: context.node)
            return .refused
        }
        let fullName = self.tree[node].name
        if let words = Self.refusedEventDefinitions[fullName] {
            self.reportUnsupported("\(words) \(context.element.kind.words)", at: context.node)
            return .refused
        }
        let name = String(fullName.dropLast(suffix.count))
        guard fullName.hasSuffix(suffix), allowed.contains(name) else {
            let expected = allowed.sorted().joined(separator: ", ")
            self.report(
                .eventDefinitionNotAllowed,
                at: node,
                "Expected one of \(expected) on \(context.element.kind.phrase), but got \(quoted(fullName)).",
                advice: "Choose another kind of event."
            )
            return .refused
        }
        context.isIncomplete = false
        return .definition(name: name, node: node)
    }

    private mutating func reportMissingDefinition(_ context: inout ElementContext) {
        context.isIncomplete = true
        self.report(
            .eventDefinitionMissing,
            at: context.node,
            "Expected an event definition on the \(context.element.kind.words), but got none.",
            advice: "Choose what the event waits for."
        )
    }

    /// An event whose definition has faults must not be taken for a none event.
    private func markMissingEvent(_ context: inout ElementContext) {
        let children = self.tree[context.node].children
        if children.contains(where: { self.tree[$0].name.hasSuffix("EventDefinition") }), context.element.event == nil {
            context.isIncomplete = true
        }
    }

    private mutating func refuseOutputs(of context: ElementContext) {
        if !context.element.outputMappings.isEmpty {
            self.report(
                .mappingNotAllowed,
                at: context.node,
                "Expected no output mapping on an error or terminate end event, but got one.",
                advice: "Use an input mapping, or map on the event that catches the error."
            )
        }
    }
}
