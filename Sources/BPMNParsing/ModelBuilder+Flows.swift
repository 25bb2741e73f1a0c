import BPMNModel

/// Sequence flows and boundary events: what connects elements.
extension ModelBuilder {
    mutating func linkFlows() {
        for node in self.draft.unlinkedFlows where self.admitsFlow(at: node) {
            self.linkFlow(node)
        }
        for index in self.draft.elements.indices {
            self.linkDefaultFlow(of: index)
        }
        for flow in self.draft.flows.indices {
            self.checkCondition(of: flow)
        }
        for index in self.draft.elements.indices where self.draft.elements[index].kind == .exclusiveGateway {
            self.checkExclusiveGateway(index)
        }
    }

    private mutating func linkFlow(_ node: Int) {
        let id = self.identifier(of: node)
        let condition = self.readCondition(of: node)
        let source = self.flowEnd("sourceRef", of: node)
        let target = self.flowEnd("targetRef", of: node)
        guard let id, let source, let target else {
            for end in [source, target].compactMap({ $0 }) {
                self.draft.incompleteElements.insert(end)
            }
            id.map { _ = self.draft.refusedIDs.insert($0) }
            return
        }
        let flow = self.draft.flows.count
        self.draft.flows.append(SequenceFlow(id: id, source: source, target: target, condition: condition?.expression))
        self.draft.flowNodes.append(node)
        self.draft.conditionNodes[flow] = condition?.node
        self.draft.elements[source].outgoing.append(flow)
        self.draft.elements[target].incoming.append(flow)
        if self.draft.elements[source].parent != self.draft.elements[target].parent {
            self.report(
                .flowCrossesScope,
                at: node,
                "Expected a flow inside one scope, but got one from \(quoted(self.draft.elements[source].id)) to "
                    + "\(quoted(self.draft.elements[target].id)) across the border of a sub-process.",
                advice: "Leave a sub-process by its end or a boundary event."
            )
        }
    }

    private mutating func flowEnd(_ attribute: String, of node: Int) -> Int? {
        let reference = self.reference(attribute, of: node) ?? ""
        if let index = self.draft.elementIndexByID[reference], index > 0 { return index }
        if !self.draft.refusedIDs.contains(reference) {
            self.reportDangling(attribute, reference, kind: "a flow node of the same process", at: node)
        }
        return nil
    }

    private mutating func readCondition(of node: Int) -> (expression: ModelExpression, node: Int)? {
        guard let child = self.tree.children(of: node, .bpmn, "conditionExpression").first else { return nil }
        let (text, position) = self.trimmedText(of: child)
        let expression = self.expression(text, named: "conditionExpression", at: child, position: position)
        if case .literal = expression {
            self.report(
                .conditionNotFEEL,
                at: child,
                "Expected a FEEL expression as condition, but got \(quoted(text)).",
                advice: "Begin the condition with '='."
            )
        }
        return (expression, child)
    }

    private mutating func linkDefaultFlow(of index: Int) {
        let node = self.draft.elementNodes[index]
        guard index > 0, let reference = self.reference("default", of: node) else { return }
        let kind = self.draft.elements[index].kind
        let flow = self.draft.elements[index].outgoing.first { self.draft.flows[$0].id == reference }
        guard let flow, kind == .exclusiveGateway || Self.isActivity(kind) else {
            if !self.draft.refusedIDs.contains(reference) {
                self.report(
                    .defaultFlow,
                    at: node,
                    "Expected an outgoing flow of this gateway or activity as default, but got \(quoted(reference)).",
                    advice: "Choose one of its own outgoing flows."
                )
            }
            return
        }
        self.draft.elements[index].defaultFlow = flow
        // What is left when no condition holds needs none.
        self.draft.flows[flow].condition = nil
        self.draft.conditionNodes[flow] = nil
    }

    private mutating func checkCondition(of flow: Int) {
        guard let node = self.draft.conditionNodes[flow] else { return }
        let kind = self.draft.elements[self.draft.flows[flow].source].kind
        if kind == .exclusiveGateway || Self.isActivity(kind) { return }
        self.report(
            .conditionNotAllowed,
            at: node,
            "Expected no condition on a flow from \(kind.phrase), but got one.",
            advice: "Decide with an exclusive gateway."
        )
    }

    private mutating func checkExclusiveGateway(_ index: Int) {
        let gateway = self.draft.elements[index]
        if gateway.outgoing.count < 2 || self.draft.incompleteElements.contains(index) { return }
        for flow in gateway.outgoing where flow != gateway.defaultFlow && self.draft.flows[flow].condition == nil {
            self.report(
                .conditionMissing,
                at: self.draft.flowNodes[flow],
                "Expected a condition on each flow from the exclusive gateway \(quoted(gateway.id)) but its default, "
                    + "but got none.",
                advice: "Set a condition or make it the default flow."
            )
        }
    }

    mutating func attachBoundaryEvents() {
        for index in self.draft.elements.indices where self.draft.elements[index].kind == .boundaryEvent {
            let node = self.draft.elementNodes[index]
            let reference = self.reference("attachedToRef", of: node) ?? ""
            if self.draft.refusedIDs.contains(reference) { continue }
            guard let host = self.draft.elementIndexByID[reference] else {
                self.reportDangling("attachedToRef", reference, kind: "an activity of the same process", at: node)
                continue
            }
            let isActivity = Self.isActivity(self.draft.elements[host].kind)
            guard isActivity, self.draft.elements[host].parent == self.draft.elements[index].parent else {
                self.report(
                    .boundaryEventAttachment,
                    at: node,
                    "Expected an activity of the same scope in 'attachedToRef', but got \(quoted(reference)), "
                        + "\(self.draft.elements[host].kind.phrase).",
                    advice: "Attach the event to a task, a sub-process or a call activity beside it."
                )
                continue
            }
            self.draft.elements[index].attachedTo = host
            self.draft.elements[host].boundaryEvents.append(index)
        }
    }
}
