import BPMNModel

/// Rules about how elements stand to each other; they run when everything of a process is linked.
extension ModelBuilder {
    mutating func checkStructure() {
        for index in self.draft.elements.indices {
            self.checkFlowEnds(of: index)
            switch self.draft.elements[index].kind {
            case .process, .subProcess: self.checkStartEvents(of: index)
            case .eventBasedGateway: self.checkEventBasedGateway(index)
            case .startEvent, .endEvent, .intermediateCatchEvent, .intermediateThrowEvent, .boundaryEvent, .task,
                .manualTask, .serviceTask, .userTask, .scriptTask, .businessRuleTask, .receiveTask, .sendTask,
                .callActivity, .exclusiveGateway, .parallelGateway:
                break
            }
            self.checkBoundaryEvents(of: index)
        }
        self.checkStraightThroughLoops()
    }

    private mutating func checkFlowEnds(of index: Int) {
        let element = self.draft.elements[index]
        let node = self.draft.elementNodes[index]
        switch element.kind {
        case .startEvent where !element.incoming.isEmpty:
            self.reportFlow(.startEventIncoming, at: node, element, direction: "incoming")
        case .boundaryEvent where !element.incoming.isEmpty:
            self.reportFlow(.boundaryEventIncoming, at: node, element, direction: "incoming")
        case .endEvent where !element.outgoing.isEmpty:
            self.reportFlow(.endEventOutgoing, at: node, element, direction: "outgoing")
        default:
            break
        }
    }

    private mutating func reportFlow(_ rule: ValidationRule, at node: Int, _ element: Element, direction: String) {
        let flows = direction == "incoming" ? element.incoming : element.outgoing
        let ids = flows.prefix(3).map { quoted(self.draft.flows[$0].id) }.joined(separator: ", ")
        self.report(
            rule,
            at: node,
            "Expected no \(direction) flow on \(element.kind.phrase), but got \(ids).",
            advice: "Remove the flow."
        )
    }

    private mutating func checkStartEvents(of scope: Int) {
        let starts = self.draft.elements[scope].children.filter { self.draft.elements[$0].kind == .startEvent }
        let complete = starts.filter { !self.draft.incompleteElements.contains($0) }
        let node = self.draft.elementNodes[scope]
        if starts.isEmpty, !self.draft.incompleteElements.contains(scope) {
            self.report(
                .startEventMissing,
                at: node,
                "Expected a start event in the \(self.draft.elements[scope].kind.words), but got none.",
                advice: "Add a start event."
            )
        }
        for start in complete.filter({ self.draft.elements[$0].event == nil }).dropFirst() {
            self.report(
                .startEventDuplicate,
                at: self.draft.elementNodes[start],
                "Expected at most one none start event in a scope, but got another.",
                advice: "Keep one of them."
            )
        }
        if scope > 0 {
            for start in complete where self.draft.elements[start].event != nil {
                self.report(
                    .startEventKind,
                    at: self.draft.elementNodes[start],
                    "Expected a none start event in a sub-process, but got one with a definition.",
                    advice: "Remove the definition; wait in an intermediate catch event."
                )
            }
        }
        self.checkMessagesDiffer(among: complete, in: "start events of a process")
    }

    /// Two waiting elements with the same message could not be told apart.
    private mutating func checkMessagesDiffer(among indices: [Int], in words: String) {
        var names: Set<ModelExpression> = []
        for index in indices {
            guard case .message(let message)? = self.draft.elements[index].event else { continue }
            if !names.insert(message.name).inserted {
                self.report(
                    .messageDuplicate,
                    at: self.draft.elementNodes[index],
                    "Expected different messages on the \(words), but got \(quoted(message.name.text)) again.",
                    advice: "Use another message or join the two."
                )
            }
        }
    }

    private mutating func checkEventBasedGateway(_ index: Int) {
        if self.draft.incompleteElements.contains(index) { return }
        let gateway = self.draft.elements[index]
        if gateway.outgoing.count < 2 {
            self.report(
                .eventGatewayOutgoing,
                at: self.draft.elementNodes[index],
                "Expected at least two outgoing flows on an event-based gateway, but got \(gateway.outgoing.count).",
                advice: "Add a flow to another catch event."
            )
        }
        var targets: [Int] = []
        for flow in gateway.outgoing {
            let target = self.draft.flows[flow].target
            let element = self.draft.elements[target]
            if element.kind != .intermediateCatchEvent {
                self.reportGatewayTarget(flow, "an intermediate catch event", element.kind.phrase)
            } else if element.incoming.count > 1 {
                self.reportGatewayTarget(flow, "a catch event with no other incoming flow", "\(element.incoming.count)")
            } else {
                targets.append(target)
            }
        }
        self.checkMessagesDiffer(among: targets, in: "events behind an event-based gateway")
    }

    private mutating func reportGatewayTarget(_ flow: Int, _ expected: String, _ got: String) {
        self.report(
            .eventGatewayTarget,
            at: self.draft.flowNodes[flow],
            "Expected \(expected) behind an event-based gateway, but got \(got).",
            advice: "Lead each flow to its own timer or message catch event."
        )
    }

    private mutating func checkBoundaryEvents(of index: Int) {
        let events = self.draft.elements[index].boundaryEvents.filter { !self.draft.incompleteElements.contains($0) }
        self.checkMessagesDiffer(among: events, in: "boundary events of an activity")
        var codes: Set<ErrorDefinition> = []
        for event in events {
            guard case .error(let error)? = self.draft.elements[event].event else { continue }
            if !codes.insert(error).inserted {
                let got = error.code.map { "the code \(quoted($0.text))" } ?? "an event for all codes"
                self.report(
                    .errorDuplicate,
                    at: self.draft.elementNodes[event],
                    "Expected each error to be caught once on an activity, but got \(got) again.",
                    advice: "Keep one of the boundary events."
                )
            }
        }
    }
}

extension ModelExpression {
    /// As it stands in the file.
    var text: String {
        switch self {
        case .literal(let text): text
        case .feel(let source): "=" + source
        }
    }
}
