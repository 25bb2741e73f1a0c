import BPMNModel

/// Messages and errors.
extension ModelBuilder {
    /// The message that an event definition or a receive task refers to.
    mutating func messageDefinition(of node: Int, needsCorrelationKey: Bool) -> MessageDefinition? {
        guard let reference = self.reference("messageRef", of: node) else {
            self.report(
                .messageMissing,
                at: node,
                "Expected a reference to a message, but got none.",
                advice: "Choose the message to wait for."
            )
            return nil
        }
        guard let messageNode = self.messageNodes[reference] else {
            self.reportDangling("messageRef", reference, kind: "a message of this file", at: node)
            return nil
        }
        guard let message = self.readMessage(messageNode) else { return nil }
        if needsCorrelationKey, message.correlationKey == nil {
            self.report(
                .correlationKey,
                at: node,
                "Expected a message with a correlation key, but got \(quoted(reference)) without one.",
                advice: "Set the correlation key of the subscription, for example '=orderId'."
            )
            return nil
        }
        return message
    }

    private mutating func readMessage(_ node: Int) -> MessageDefinition? {
        if let known = self.readMessages[node] { return known }
        var message: MessageDefinition?
        let key = self.readExtensions(of: node)["subscription"].flatMap { self.readCorrelationKey($0) }
        if let name = self.expression("name", of: node) {
            message = MessageDefinition(name: name, correlationKey: key)
        } else {
            self.report(
                .messageName,
                at: node,
                "Expected a message with a name, but got none.",
                advice: "Set the name under which the message is published."
            )
        }
        self.readMessages[node] = .some(message)
        return message
    }

    private mutating func readCorrelationKey(_ node: Int) -> ModelExpression? {
        let key = self.expression("correlationKey", of: node)
        if case .literal(let text)? = key {
            self.report(
                .correlationKey,
                at: node,
                "Expected a FEEL expression as correlation key, but got \(quoted(text)).",
                advice: "Begin the correlation key with '='."
            )
        }
        return key
    }

    /// The error that an event definition refers to.
    mutating func errorDefinition(of node: Int, isThrown: Bool) -> ErrorDefinition? {
        guard let reference = self.reference("errorRef", of: node) else {
            if !isThrown { return ErrorDefinition(code: nil) }
            self.report(
                .errorMissing,
                at: node,
                "Expected a reference to an error, but got none.",
                advice: "Choose the error to throw."
            )
            return nil
        }
        guard let errorNode = self.errorNodes[reference] else {
            self.reportDangling("errorRef", reference, kind: "an error of this file", at: node)
            return nil
        }
        let error = self.readError(errorNode)
        switch error.code {
        case nil where isThrown:
            self.reportErrorCode(at: node, expected: "an error with a code to throw", got: "none")
            return nil
        case .feel? where !isThrown:
            self.reportErrorCode(at: node, expected: "a written-out error code to catch", got: "an expression")
            return nil
        default:
            return error
        }
    }

    private mutating func readError(_ node: Int) -> ErrorDefinition {
        if let known = self.readErrors[node], let known { return known }
        let error = ErrorDefinition(code: self.expression("errorCode", of: node))
        self.readErrors[node] = .some(error)
        return error
    }

    private mutating func reportErrorCode(at node: Int, expected: String, got: String) {
        self.report(
            .errorCode,
            at: node,
            "Expected \(expected), but got \(got).",
            advice: "Set 'errorCode' of the error."
        )
    }

    mutating func reportDangling(_ attribute: String, _ reference: String, kind: String, at node: Int) {
        self.report(
            .danglingReference,
            at: node,
            "Expected \(kind) in '\(attribute)', but got \(quoted(reference)), which does not exist.",
            advice: "Correct the reference or remove the element."
        )
    }
}
