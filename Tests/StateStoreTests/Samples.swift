import Foundation
import ProcessEngine
import SQLite
import StateStore

/// Records with every field set to something that no other field has.
enum Sample {
    static func key(_ counter: Int64) -> Key { Key(group: 1, counter: counter) }

    static func definition(_ counter: Int64, processID: String = "order", version: Int32 = 1) -> DefinitionRecord {
        DefinitionRecord(
            key: key(counter),
            processID: processID,
            version: version,
            tenantID: "tenant-a",
            name: "Order \u{1F4E6}",
            versionTag: "v\(version)",
            deploymentKey: key(counter + 1),
            resourceName: "order.bpmn",
            resourceHash: -42,
            resourceKey: key(counter + 2),
            deployedAt: 1_700_000_000_000
        )
    }

    static func instance(
        _ counter: Int64,
        root: Int64? = nil,
        parent: Int64? = nil,
        startCorrelationKey: String? = nil
    ) -> ProcessInstanceRecord {
        ProcessInstanceRecord(
            key: key(counter),
            definitionKey: key(1),
            parentInstanceKey: parent.map { key($0) },
            parentElementInstanceKey: parent.map { key($0 + 1) },
            rootInstanceKey: key(root ?? counter),
            state: .active,
            startedAt: 10 + counter,
            endedAt: nil,
            tenantID: "tenant-a",
            tags: ["priority:high", "quote\"back\\slash", "line\nbreak\u{1}", "grüße"],
            businessID: "B-\(counter)",
            startCorrelationKey: startCorrelationKey,
            depth: parent == nil ? 0 : 1,
            awaitingRequest: RequestID("request-\(counter)"),
            awaitedVariables: ["total"]
        )
    }

    static func element(
        _ counter: Int64,
        instance: Int64,
        scope: Int64? = nil,
        state: ElementState = .activated
    ) -> ElementInstanceRecord {
        ElementInstanceRecord(
            key: key(counter),
            processInstanceKey: key(instance),
            elementID: "ship-\(counter)",
            kind: scope == nil ? "process" : "serviceTask",
            scopeKey: scope.map { key($0) },
            state: state,
            startedAt: 20,
            endedAt: state.isFinal ? 21 : nil,
            activeChildren: 3,
            waitsFor: key(counter + 1),
            incidentKey: key(counter + 2),
            interruptedBy: key(counter + 3)
        )
    }

    static func variable(_ counter: Int64, instance: Int64, name: String, value: String = "{}") -> VariableRecord {
        VariableRecord(
            key: key(counter),
            scopeKey: key(instance),
            processInstanceKey: key(instance),
            name: name,
            value: Array(value.utf8)
        )
    }

    static func job(
        _ counter: Int64,
        type: String = "ship",
        tenantID: String = "tenant-a",
        priority: Int32 = 50,
        state: JobState = .activatable,
        deadline: Int64? = nil,
        instance: Int64 = 100
    ) -> JobRecord {
        JobRecord(
            key: key(counter),
            type: type,
            processInstanceKey: key(instance),
            elementInstanceKey: key(instance + 1),
            elementID: "ship",
            state: state,
            mark: .created,
            retries: 3,
            priority: priority,
            worker: "worker-1",
            deadline: deadline,
            activations: 7,
            errorCode: "E-1",
            errorMessage: "no stock",
            headers: Array("{\"size\":\"big\"}".utf8),
            tenantID: tenantID,
            createdAt: 30,
            updatedAt: 31,
            endedAt: nil
        )
    }

    static func userTask(_ counter: Int64, instance: Int64 = 100) -> UserTaskRecord {
        UserTaskRecord(
            key: key(counter),
            processInstanceKey: key(instance),
            elementInstanceKey: key(instance + 1),
            elementID: "approve",
            name: "Approve",
            state: .created,
            assignee: "ada",
            candidateUsers: ["ada", "grace"],
            candidateGroups: ["clerks"],
            dueDate: 41,
            followUpDate: 42,
            priority: 60,
            externalFormReference: "form-1",
            headers: Array("{\"a\":\"b\"}".utf8),
            createdAt: 40,
            completedAt: nil,
            tenantID: "tenant-a"
        )
    }

    static func timer(_ counter: Int64, dueAt: Int64, element: Int64? = 101) -> TimerRecord {
        TimerRecord(
            key: key(counter),
            dueAt: dueAt,
            processInstanceKey: element.map { key($0 - 1) },
            elementInstanceKey: element.map { key($0) },
            definitionKey: key(1),
            elementID: "wait",
            repetitions: -1,
            cycle: "R/PT1M",
            tenantID: "tenant-a"
        )
    }

    static func subscription(_ counter: Int64, correlationKey: String = "o-1") -> SubscriptionRecord {
        SubscriptionRecord(
            key: key(counter),
            messageName: "paid",
            correlationKey: correlationKey,
            processInstanceKey: key(100),
            elementInstanceKey: key(101),
            elementID: "catch",
            processID: "order",
            isInterrupting: true,
            tenantID: "tenant-a"
        )
    }

    static func startSubscription(_ counter: Int64, definition: Int64 = 1) -> StartSubscriptionRecord {
        StartSubscriptionRecord(
            key: key(counter),
            messageName: "ordered",
            definitionKey: key(definition),
            processID: "order",
            elementID: "start",
            tenantID: "tenant-a"
        )
    }

    static func message(_ counter: Int64, expiresAt: Int64 = 99, messageID: String? = "m-1") -> MessageRecord {
        MessageRecord(
            key: key(counter),
            name: "paid",
            correlationKey: "o-1",
            messageID: messageID,
            variables: VariableDocument([.init(name: "sum", value: Array("12.50".utf8))]),
            expiresAt: expiresAt,
            tenantID: "tenant-a",
            correlatedProcessIDs: []
        )
    }

    static func incident(_ counter: Int64, instance: Int64 = 100) -> IncidentRecord {
        IncidentRecord(
            key: key(counter),
            type: .jobNoRetries,
            message: "no retries left",
            isResolved: false,
            createdAt: 50,
            elementID: "ship",
            elementInstanceKey: key(instance + 1),
            processInstanceKey: key(instance),
            jobKey: key(instance + 2),
            tenantID: "tenant-a"
        )
    }

    static func answered(_ id: String, at time: Int64) -> AnsweredRequest {
        AnsweredRequest(
            id: RequestID(id),
            commandHash: -7,
            answer: .messagePublished(key: key(9), tenantID: "tenant-a"),
            answeredAt: time
        )
    }

    static func outbox(_ sequence: Int64, group: UInt32 = 2) -> OutboxRecord {
        OutboxRecord(
            targetGroup: group,
            sequence: sequence,
            content: .definitions(
                [definition(1)],
                resources: [ResourceRecord(key: key(3), name: "order.bpmn", content: [0, 1, 255])]
            ),
            awaitingRequest: RequestID("deploy-1"),
            answer: .done
        )
    }

    static func position(_ index: UInt64) -> StatePosition {
        StatePosition(appliedIndex: index, appliedTerm: 2, time: 1000 + Int64(index), keyCounter: Int64(index))
    }
}

/// A state in memory inside an open transaction.
func openState() throws -> SQLiteState {
    let state = try SQLiteState.inMemory()
    try state.begin()
    return state
}

/// Runs `body` with a new folder that is gone afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

/// A small generator with a seed (SplitMix64), so that a failing sequence can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
