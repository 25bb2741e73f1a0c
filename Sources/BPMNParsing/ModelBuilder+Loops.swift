import BPMNModel

/// Straight-through loops: a cycle of elements that never wait would run for ever once it is entered.
extension ModelBuilder {
    private enum Visit {
        case unseen
        /// On the current path, at this position.
        case onPath(Int)
        case finished
    }

    mutating func checkStraightThroughLoops() {
        let passesThrough = self.passThroughElements()
        var visits = [Visit](repeating: .unseen, count: self.draft.elements.count)
        for root in self.draft.elements.indices where passesThrough[root] {
            guard case .unseen = visits[root] else { continue }
            visits[root] = .onPath(0)
            var path = [(element: root, nextFlow: 0)]
            while let (element, nextFlow) = path.last {
                let outgoing = self.draft.elements[element].outgoing
                guard nextFlow < outgoing.count else {
                    visits[element] = .finished
                    path.removeLast()
                    continue
                }
                path[path.count - 1].nextFlow += 1
                let target = self.draft.flows[outgoing[nextFlow]].target
                guard passesThrough[target] else { continue }
                switch visits[target] {
                case .unseen:
                    visits[target] = .onPath(path.count)
                    path.append((target, 0))
                case .onPath(let position):
                    self.reportLoop(path[position...].map(\.element))
                case .finished:
                    break
                }
            }
        }
    }

    /// Whether each element lets an instance pass at once. A sub-process does when everything inside it does.
    private func passThroughElements() -> [Bool] {
        var result = [Bool](repeating: false, count: self.draft.elements.count)
        // Scopes stand before what they contain, so going backwards decides the inside first.
        for index in self.draft.elements.indices.reversed() {
            let element = self.draft.elements[index]
            switch element.kind {
            case .task, .manualTask, .callActivity, .exclusiveGateway, .parallelGateway:
                result[index] = true
            case .startEvent, .intermediateThrowEvent:
                result[index] = element.event == nil && element.job == nil
            case .endEvent:
                switch element.event {
                case nil: result[index] = element.job == nil
                case .terminate: result[index] = true
                case .error, .message, .timer: break
                }
            case .subProcess:
                result[index] = element.children.allSatisfy { result[$0] }
            case .process, .intermediateCatchEvent, .boundaryEvent, .serviceTask, .userTask, .scriptTask,
                .businessRuleTask, .receiveTask, .sendTask, .eventBasedGateway:
                break
            }
        }
        return result
    }

    private mutating func reportLoop(_ elements: [Int]) {
        guard let first = elements.min() else { return }
        let shown = 10
        var ids = elements.prefix(shown).map { quoted(self.draft.elements[$0].id) }.joined(separator: " → ")
        if elements.count > shown { ids += " …" }
        self.report(
            .straightThroughLoop,
            at: self.draft.elementNodes[first],
            "Expected a loop to wait somewhere, but got one that never does: \(ids).",
            advice: "Put a service task, a user task or an event into the loop."
        )
    }
}
