import BPMNModel
import FEEL

/// Values that are written out or are expressions, and mappings made of them.
extension ModelBuilder {
    private static let activityKinds: Set<ElementKind> = [
        .subProcess, .task, .manualTask, .serviceTask, .userTask, .scriptTask, .businessRuleTask, .receiveTask,
        .sendTask, .callActivity,
    ]
    private static let inputKinds = activityKinds.union([.intermediateThrowEvent, .endEvent])
    private static let outputKinds = inputKinds.union([.startEvent, .intermediateCatchEvent, .boundaryEvent])

    static func isActivity(_ kind: ElementKind) -> Bool { self.activityKinds.contains(kind) }

    /// An attribute that holds a value or, after `=`, an expression; nil when it is absent or empty.
    mutating func expression(_ name: String, of node: Int) -> ModelExpression? {
        guard let text = self.tree.attribute(name, of: node), !text.isEmpty else { return nil }
        return self.expression(text, named: name, at: node)
    }

    /// - Parameter position: where the text begins, if that is not an attribute.
    mutating func expression(
        _ text: String,
        named name: String,
        at node: Int,
        position: XMLPosition? = nil
    ) -> ModelExpression {
        guard text.hasPrefix("=") else { return .literal(text) }
        let source = String(text.dropFirst())
        self.checkFEEL(source, named: name, at: node, position: position)
        return .feel(source)
    }

    /// The text inside an element without the white space around it, and where it begins.
    func trimmedText(of node: Int) -> (text: String, position: XMLPosition) {
        let content = self.tree[node]
        var position = content.textPosition ?? content.position
        var text = Substring(content.text)
        while let first = text.first, first.isWhitespace {
            if first.isNewline {
                position = XMLPosition(line: position.line + 1, column: 1)
            } else {
                position.column += 1
            }
            text.removeFirst()
        }
        while let last = text.last, last.isWhitespace {
            text.removeLast()
        }
        return (String(text), position)
    }

    private mutating func checkFEEL(_ source: String, named name: String, at node: Int, position: XMLPosition?) {
        do throws(FEELSyntaxError) {
            _ = try FEELExpression(source)
        } catch {
            // The equals sign belongs to the text, but not to the expression.
            let column = error.line == 1 ? error.column + 1 : error.column
            var place: XMLPosition?
            if let position {
                place = XMLPosition(
                    line: position.line + error.line - 1,
                    column: error.line == 1 ? position.column + error.column : error.column
                )
            }
            self.report(
                .feelSyntax,
                at: node,
                position: place,
                "Expected \(shown(error.expected, limit: 200)) in '\(name)' at line \(error.line), column \(column), "
                    + "but got \(shown(error.found, limit: 200)).",
                advice: "Correct the expression \(quoted("=" + source))."
            )
        }
    }

    /// An expression of a process's start event is evaluated when there are no variables yet.
    mutating func checkReadsNoVariables(_ expression: ModelExpression?, at node: Int) {
        guard case .feel(let source)? = expression, let name = Self.variables(of: source).first else { return }
        self.report(
            .startEventVariables,
            at: node,
            "Expected an expression without variables on a start event, but got \(quoted(name)).",
            advice: "Write the value out: nothing has a value before an instance starts."
        )
    }

    /// What the expression reads; nothing if it is faulty, which was reported before.
    private static func variables(of source: String) -> [String] {
        do throws(FEELSyntaxError) {
            return try FEELExpression(source).variableNames
        } catch {
            return []
        }
    }

    /// `zeebe:ioMapping` of an element.
    mutating func readMappings(of context: inout ElementContext) {
        guard let node = context.extensions["ioMapping"] else { return }
        for child in self.tree[node].children where self.tree[child].namespace == .zeebe {
            switch self.tree[child].name {
            case "input":
                self.checkMapping(child, isAllowed: Self.inputKinds.contains(context.element.kind), context)
                if let mapping = self.readMapping(child) { context.element.inputMappings.append(mapping) }
            case "output":
                self.checkMapping(child, isAllowed: Self.outputKinds.contains(context.element.kind), context)
                if let mapping = self.readMapping(child) { context.element.outputMappings.append(mapping) }
            default:
                break
            }
        }
    }

    private mutating func checkMapping(_ node: Int, isAllowed: Bool, _ context: ElementContext) {
        if isAllowed { return }
        self.report(
            .mappingNotAllowed,
            at: node,
            "Expected no \(self.tree[node].name) mapping on \(context.element.kind.phrase), but got one.",
            advice: "Move the mapping to another element."
        )
    }

    private mutating func readMapping(_ node: Int) -> VariableMapping? {
        let source = self.expression("source", of: node)
        let target = self.tree.attribute("target", of: node) ?? ""
        let parts = target.split(separator: ".", maxSplits: self.limits.pathParts, omittingEmptySubsequences: false)
        guard parts.count <= self.limits.pathParts, parts.allSatisfy({ Self.isVariableName($0) }) else {
            self.report(
                .mappingTarget,
                at: node,
                "Expected a variable name or a path such as 'order.total' as target, but got \(quoted(target)).",
                advice: "Use letters, digits and '_', and at most \(self.limits.pathParts) parts."
            )
            return nil
        }
        return VariableMapping(source: source, target: parts.map(String.init))
    }
}

extension ElementKind {
    /// The kind with its article, as findings name it.
    var phrase: String {
        switch self {
        case .intermediateCatchEvent, .intermediateThrowEvent, .endEvent, .task, .exclusiveGateway, .eventBasedGateway:
            "an \(self.words)"
        case .process, .subProcess, .startEvent, .boundaryEvent, .manualTask, .serviceTask, .userTask, .scriptTask,
            .businessRuleTask, .receiveTask, .sendTask, .callActivity, .parallelGateway:
            "a \(self.words)"
        }
    }

    /// The kind as findings name it.
    var words: String {
        switch self {
        case .process: "process"
        case .subProcess: "sub-process"
        case .startEvent: "start event"
        case .endEvent: "end event"
        case .intermediateCatchEvent: "intermediate catch event"
        case .intermediateThrowEvent: "intermediate throw event"
        case .boundaryEvent: "boundary event"
        case .task: "undefined task"
        case .manualTask: "manual task"
        case .serviceTask: "service task"
        case .userTask: "user task"
        case .scriptTask: "script task"
        case .businessRuleTask: "business rule task"
        case .receiveTask: "receive task"
        case .sendTask: "send task"
        case .callActivity: "call activity"
        case .exclusiveGateway: "exclusive gateway"
        case .parallelGateway: "parallel gateway"
        case .eventBasedGateway: "event-based gateway"
        }
    }
}
