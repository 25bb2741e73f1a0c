import ProcessEngine
import Testing

@testable import StateStore

/// What must hold after every scenario.
extension EngineHarness {
    func verify(sourceLocation: SourceLocation = #_sourceLocation) throws {
        for group in [cluster, instances] {
            let replay = try group.replayed()
            #expect(replay.events == group.events, "events change on the way", sourceLocation: sourceLocation)
            let (leader, follower) = (try StateDump(group.state), try StateDump(replay.state))
            if leader != follower {
                Issue.record(
                    "group \(group.number): a follower differs:\n\(follower.difference(from: leader))",
                    sourceLocation: sourceLocation
                )
            }
        }
        for group in [cluster, instances] {
            let archiving = try group.replayed(archives: true).state
            #expect(archiving.digest == group.state.digest, "digest after archiving", sourceLocation: sourceLocation)
            let recomputed = try SQLiteState.recomputeDigest(archiving.database)
            #expect(recomputed == archiving.digest, "digest of the rows", sourceLocation: sourceLocation)
        }
        for fault in try faults() { Issue.record("\(fault)", sourceLocation: sourceLocation) }
    }

    /// What is wrong in the state of the instances; nothing, if the engine keeps its books.
    func faults() throws -> [String] {
        let elements = try StateDump.elementInstances(state)
        let byKey = Dictionary(uniqueKeysWithValues: elements.map { ($0.key, $0) })
        var faults: [String] = []
        if try state.continuations(limit: 1).isEmpty { faults += countFaults(elements) }
        for element in elements {
            if let scope = element.scopeKey, !element.state.isFinal, byKey[scope]?.state.isFinal ?? true {
                faults.append("'\(element.elementID)' lives on in a scope that ended")
            }
            if element.state.isFinal != (element.endedAt != nil) {
                faults.append(
                    "'\(element.elementID)' is \(element.state) with end \(String(describing: element.endedAt))"
                )
            }
        }
        for instance in try StateDump.processInstances(state) {
            let isActive = byKey[instance.key].map { !$0.state.isFinal } ?? false
            if isActive != (instance.state == .active) {
                faults.append("instance \(instance.key) is \(instance.state)")
            }
            if let parent = instance.parentInstanceKey, isActive,
                try state.processInstance(parent)?.state != .active
            {
                faults.append("called instance \(instance.key) outlived its caller")
            }
        }
        return try faults + workFaults(byKey) + triggerFaults(byKey) + incidentFaults(elements, byKey)
    }

    private func countFaults(_ elements: [ElementInstanceRecord]) -> [String] {
        var children: [Key: Int32] = [:]
        for element in elements where !element.state.isFinal {
            if let scope = element.scopeKey { children[scope, default: 0] += 1 }
        }
        return elements.filter { $0.activeChildren != children[$0.key] ?? 0 }
            .map { "'\($0.elementID)' counts \($0.activeChildren) children and has \(children[$0.key] ?? 0)" }
    }

    private func workFaults(_ elements: [Key: ElementInstanceRecord]) throws -> [String] {
        var faults: [String] = []
        for job in try StateDump.jobs(state) {
            let isOpen = job.state != .completed && job.state != .canceled
            let element = elements[job.elementInstanceKey]
            if isOpen, element?.state != .activated || element?.waitsFor != job.key {
                faults.append("job \(job.key) of '\(job.elementID)' is \(job.state) without an element that waits")
            }
            if isOpen == (job.endedAt != nil) { faults.append("job \(job.key) is \(job.state) with a wrong end") }
        }
        for task in try StateDump.userTasks(state) where task.state == .created {
            if elements[task.elementInstanceKey]?.state != .activated {
                faults.append("user task \(task.key) is open without an element that waits")
            }
        }
        return faults
    }

    private func triggerFaults(_ elements: [Key: ElementInstanceRecord]) throws -> [String] {
        var faults: [String] = []
        for timer in try StateDump.timers(state) {
            guard let element = timer.elementInstanceKey else { continue }
            if elements[element]?.state.isFinal ?? true { faults.append("timer of '\(timer.elementID)' is left over") }
        }
        for subscription in try StateDump.subscriptions(state)
        where elements[subscription.elementInstanceKey]?.state.isFinal ?? true {
            faults.append("subscription of '\(subscription.elementID)' is left over")
        }
        for scope in try StateDump.takenFlowScopes(state) where elements[scope]?.state.isFinal ?? true {
            faults.append("a flow waits in a scope that ended")
        }
        return faults
    }

    private func incidentFaults(
        _ elements: [ElementInstanceRecord],
        _ byKey: [Key: ElementInstanceRecord]
    ) throws -> [String] {
        var faults: [String] = []
        let open = try StateDump.incidents(state).filter { !$0.isResolved }
        for incident in open where byKey[incident.elementInstanceKey]?.incidentKey != incident.key {
            faults.append("\(incident.type) of '\(incident.elementID)' is open, but its element does not say so")
        }
        let keys = Set(open.map(\.key))
        for element in elements {
            guard let incident = element.incidentKey else { continue }
            if element.state.isFinal || !keys.contains(incident) {
                faults.append("'\(element.elementID)' is \(element.state) with incident \(incident)")
            }
        }
        return faults
    }
}
