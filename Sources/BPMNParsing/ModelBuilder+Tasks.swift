import BPMNModel

/// Tasks and call activities: who does the work, and with which settings.
extension ModelBuilder {
    /// Service, send and business rule tasks, and script tasks without a script.
    mutating func readJobTask(_ context: inout ElementContext) {
        if let script = context.extensions["script"] {
            self.report(
                .taskImplementation,
                at: script,
                "Expected 'zeebe:taskDefinition' alone on \(context.element.kind.phrase), but got 'zeebe:script'.",
                advice: "Remove the script or use a script task."
            )
        }
        self.readJob(&context)
    }

    /// `zeebe:taskDefinition` and `zeebe:taskHeaders`.
    mutating func readJob(_ context: inout ElementContext) {
        // A decision that was refused is the implementation that would be missed here.
        if context.extensions["calledDecision"] != nil { return }
        guard let node = context.extensions["taskDefinition"] else {
            self.report(
                .taskImplementation,
                at: context.node,
                "Expected 'zeebe:taskDefinition' on the \(context.element.kind.words), but got none.",
                advice: "Set the job type of the element."
            )
            return
        }
        let type = self.expression("type", of: node)
        if type == nil {
            self.report(
                .taskType,
                at: node,
                "Expected a job type, but got none.",
                advice: "Set 'type' to the name that workers ask for."
            )
        }
        let retries = self.readRetries(node)
        let headers = self.readHeaders(context)
        if let type, let retries {
            context.element.job = JobDefinition(type: type, retries: retries, headers: headers)
        }
    }

    private mutating func readRetries(_ node: Int) -> ModelExpression? {
        guard let text = self.tree.attribute("retries", of: node) else { return .literal("3") }
        let retries = self.expression(text, named: "retries", at: node)
        if case .literal = retries, Int32(text).map({ $0 >= 0 }) != true {
            self.report(
                .taskRetries,
                at: node,
                "Expected a whole number of retries from 0 to \(Int32.max), but got \(quoted(text)).",
                advice: "Write a number, or an expression after '='."
            )
            return nil
        }
        return retries
    }

    /// `zeebe:taskHeaders` in file order.
    mutating func readHeaders(_ context: ElementContext) -> [TaskHeader] {
        guard let node = context.extensions["taskHeaders"] else { return [] }
        var headers: [TaskHeader] = []
        var keys: Set<String> = []
        for child in self.tree.children(of: node, .zeebe, "header") {
            let key = self.tree.attribute("key", of: child) ?? ""
            if key.isEmpty || !keys.insert(key).inserted {
                self.report(
                    .taskHeader,
                    at: child,
                    "Expected header keys that are unique and not empty, but got \(quoted(key)).",
                    advice: "Rename or remove the header."
                )
                continue
            }
            headers.append(TaskHeader(key: key, value: self.tree.attribute("value", of: child) ?? ""))
        }
        return headers
    }

    mutating func readScriptTask(_ context: inout ElementContext) {
        guard let node = context.extensions["script"] else {
            self.readJob(&context)
            return
        }
        if let other = context.extensions["taskDefinition"] {
            self.report(
                .taskImplementation,
                at: other,
                "Expected one implementation of the script task, but got 'zeebe:script' and 'zeebe:taskDefinition'.",
                advice: "Remove one of the two."
            )
        }
        let expression = self.expression("expression", of: node)
        if case .feel? = expression {
        } else {
            self.report(
                .scriptExpression,
                at: node,
                "Expected a FEEL expression after '=', but got "
                    + "\(quoted(self.tree.attribute("expression", of: node) ?? "")).",
                advice: "Begin the script with '='."
            )
        }
        let variable = self.tree.attribute("resultVariable", of: node) ?? ""
        if !Self.isVariableName(Substring(variable)) {
            self.report(
                .resultVariable,
                at: node,
                "Expected a variable name as result variable, but got \(quoted(variable)).",
                advice: "Use letters, digits and '_'."
            )
        }
        if let expression {
            context.element.script = ScriptDefinition(expression: expression, resultVariable: variable)
        }
    }

    mutating func readReceiveTask(_ context: inout ElementContext) {
        self.refuseInstantiation(of: &context)
        context.element.message = self.messageDefinition(of: context.node, needsCorrelationKey: true)
    }

    /// Elements that would start instances by themselves.
    mutating func refuseInstantiation(of context: inout ElementContext) {
        if self.flag("instantiate", of: context.node, default: false) {
            self.reportUnsupported("an instantiating \(context.element.kind.words)", at: context.node)
        }
    }

    mutating func readCallActivity(_ context: inout ElementContext) {
        guard let node = context.extensions["calledElement"], let processID = self.expression("processId", of: node)
        else {
            self.report(
                .calledElement,
                at: context.extensions["calledElement"] ?? context.node,
                "Expected 'zeebe:calledElement' with a process id, but got none.",
                advice: "Set the id of the process to call."
            )
            return
        }
        if self.tree.attribute("businessId", of: node) != nil {
            self.reportUnsupported("a business id of", at: node)
        }
        var called = CalledElementDefinition(processID: processID)
        called.propagateAllChildVariables = self.flag("propagateAllChildVariables", of: node, default: true)
        called.propagateAllParentVariables = self.flag("propagateAllParentVariables", of: node, default: true)
        called.versionTag = self.expression("versionTag", of: node)
        let binding = self.tree.attribute("bindingType", of: node) ?? BindingType.latest.rawValue
        if let type = BindingType(rawValue: binding) {
            called.bindingType = type
        } else {
            self.report(
                .calledElement,
                at: node,
                "Expected the binding 'latest', 'deployment' or 'versionTag', but got \(quoted(binding)).",
                advice: "Choose one of the three."
            )
        }
        if called.bindingType == .versionTag, called.versionTag == nil {
            self.report(
                .calledElement,
                at: node,
                "Expected a version tag for the binding 'versionTag', but got none.",
                advice: "Set 'versionTag' or choose another binding."
            )
        }
        context.element.calledElement = called
    }
}
