/// Numbers of the event kinds in the log. Numbers are never reused; a changed form gets a new number. Ranges: 1 to 99
/// definitions and instances, 100 to 149 jobs and user tasks, 150 to 199 timers and messages, 200 to 249 the engine
/// itself; from 1000 on other modules.
package enum EventKind {
    static let definitionAdded: UInt64 = 1
    static let resourceAdded: UInt64 = 2
    static let startSubscriptionOpened: UInt64 = 3
    static let startSubscriptionClosed: UInt64 = 4
    static let instanceCreated: UInt64 = 10
    static let instanceEnded: UInt64 = 11
    static let elementEntered: UInt64 = 20
    static let elementChanged: UInt64 = 21
    static let elementCompleted: UInt64 = 22
    static let elementTerminated: UInt64 = 23
    static let elementInterrupted: UInt64 = 24
    static let elementWaits: UInt64 = 25
    static let flowArrived: UInt64 = 26
    static let flowsJoined: UInt64 = 27
    static let elementFlowStarted: UInt64 = 28
    static let flowsDropped: UInt64 = 29
    static let variableCreated: UInt64 = 30
    static let variableUpdated: UInt64 = 31
    static let incidentCreated: UInt64 = 40
    static let incidentResolved: UInt64 = 41
    static let jobCreated: UInt64 = 100
    static let jobActivated: UInt64 = 101
    static let jobEnded: UInt64 = 102
    static let jobChanged: UInt64 = 103
    static let userTaskCreated: UInt64 = 110
    static let userTaskChanged: UInt64 = 111
    static let timerScheduled: UInt64 = 150
    static let timerRemoved: UInt64 = 151
    static let subscriptionOpened: UInt64 = 160
    static let subscriptionClosed: UInt64 = 161
    static let messagePublished: UInt64 = 170
    static let messageCorrelated: UInt64 = 171
    static let messageRemoved: UInt64 = 172
    static let continuationStored: UInt64 = 200
    static let continuationRemoved: UInt64 = 201
    static let requestAnswered: UInt64 = 210
    static let requestsForgotten: UInt64 = 211
    static let transferQueued: UInt64 = 220
    static let transferAcknowledged: UInt64 = 221
    static let transferReceived: UInt64 = 222
    static let quarantined: UInt64 = 230
    static let quarantineLifted: UInt64 = 231
}

/// An event of a kind that this version does not know. A replica that meets one stops; it never skips it.
package struct UnknownEventKind: Error, Hashable, Sendable, CustomStringConvertible {
    package let kind: UInt64

    package var description: String {
        "Expected an event kind of this version, but got \(kind): a newer version wrote this log. "
            + "Start this node with that version or a newer one."
    }
}

extension Event: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .definitionAdded, .resourceAdded, .startSubscriptionOpened, .startSubscriptionClosed:
            writeDefinition(to: &writer)
        case .instanceCreated, .instanceEnded, .elementEntered, .elementChanged, .elementCompleted,
            .elementTerminated, .elementInterrupted, .elementWaits, .elementFlowStarted, .flowArrived, .flowsJoined,
            .flowsDropped, .variableCreated, .variableUpdated:
            writeInstance(to: &writer)
        case .incidentCreated, .incidentResolved, .jobCreated, .jobActivated, .jobEnded, .jobChanged,
            .userTaskCreated, .userTaskChanged:
            writeWork(to: &writer)
        case .timerScheduled, .timerRemoved, .subscriptionOpened, .subscriptionClosed, .messagePublished,
            .messageCorrelated, .messageRemoved:
            writeTrigger(to: &writer)
        case .continuationStored, .continuationRemoved, .requestAnswered, .requestsForgotten, .transferQueued,
            .transferAcknowledged, .transferReceived, .quarantined, .quarantineLifted:
            writeEngine(to: &writer)
        }
    }

    private func writeDefinition(to writer: inout ByteWriter) {
        switch self {
        case .definitionAdded(let record):
            writer.write(EventKind.definitionAdded)
            record.write(to: &writer)
        case .resourceAdded(let record):
            writer.write(EventKind.resourceAdded)
            record.write(to: &writer)
        case .startSubscriptionOpened(let record):
            writer.write(EventKind.startSubscriptionOpened)
            record.write(to: &writer)
        case .startSubscriptionClosed(let key):
            writer.write(EventKind.startSubscriptionClosed)
            writer.write(key)
        default: preconditionFailure("not an event of this family")
        }
    }

    private func writeInstance(to writer: inout ByteWriter) {
        switch self {
        case .instanceCreated(let record):
            writer.write(EventKind.instanceCreated)
            record.write(to: &writer)
        case .instanceEnded(let key, let state, let time):
            writer.write(EventKind.instanceEnded)
            writer.write(key)
            writer.write(state.rawValue)
            writer.write(time)
        case .elementEntered(let record, let consumed, let taken):
            writer.write(EventKind.elementEntered)
            record.write(to: &writer)
            writer.write(consumed)
            writer.write(flows: taken)
        case .elementChanged(let key, let state):
            writer.write(EventKind.elementChanged)
            writer.write(key)
            writer.write(state.rawValue)
        case .elementCompleted(let key, let scope, let time, let taken):
            writer.write(EventKind.elementCompleted)
            writer.write(key)
            writer.write(scope)
            writer.write(time)
            writer.write(flows: taken)
        case .elementTerminated(let key, let scope, let time):
            writer.write(EventKind.elementTerminated)
            writer.write(key)
            writer.write(scope)
            writer.write(time)
        case .elementInterrupted(let key, let by):
            writer.write(EventKind.elementInterrupted)
            writer.write(key)
            writer.write(by)
        case .elementWaits(let key, let target):
            writer.write(EventKind.elementWaits)
            writer.write(key)
            writer.write(target)
        case .elementFlowStarted(let key):
            writer.write(EventKind.elementFlowStarted)
            writer.write(key)
        case .flowArrived(let record):
            writer.write(EventKind.flowArrived)
            record.write(to: &writer)
        case .flowsJoined(let scope, let gateway, let flows):
            writer.write(EventKind.flowsJoined)
            writer.write(scope)
            writer.write(gateway)
            writer.write(flows: flows)
        case .flowsDropped(let scope, let count):
            writer.write(EventKind.flowsDropped)
            writer.write(scope)
            writer.write(count)
        case .variableCreated(let record):
            writer.write(EventKind.variableCreated)
            record.write(to: &writer)
        case .variableUpdated(let key, let value):
            writer.write(EventKind.variableUpdated)
            writer.write(key)
            writer.write(value)
        default: preconditionFailure("not an event of this family")
        }
    }

    private func writeWork(to writer: inout ByteWriter) {
        switch self {
        case .incidentCreated(let record):
            writer.write(EventKind.incidentCreated)
            record.write(to: &writer)
        case .incidentResolved(let key, let element):
            writer.write(EventKind.incidentResolved)
            writer.write(key)
            writer.write(element)
        case .jobCreated(let record):
            writer.write(EventKind.jobCreated)
            record.write(to: &writer)
        case .jobActivated(let key, let worker, let deadline, let time):
            writer.write(EventKind.jobActivated)
            writer.write(key)
            writer.write(worker)
            writer.write(deadline)
            writer.write(time)
        case .jobEnded(let key, let state, let time):
            writer.write(EventKind.jobEnded)
            writer.write(key)
            writer.write(state.rawValue)
            writer.write(time)
        case .jobChanged(let record):
            writer.write(EventKind.jobChanged)
            record.write(to: &writer)
        case .userTaskCreated(let record):
            writer.write(EventKind.userTaskCreated)
            record.write(to: &writer)
        case .userTaskChanged(let record):
            writer.write(EventKind.userTaskChanged)
            record.write(to: &writer)
        default: preconditionFailure("not an event of this family")
        }
    }

    private func writeTrigger(to writer: inout ByteWriter) {
        switch self {
        case .timerScheduled(let record):
            writer.write(EventKind.timerScheduled)
            record.write(to: &writer)
        case .timerRemoved(let key, let isTriggered):
            writer.write(EventKind.timerRemoved)
            writer.write(key)
            writer.write(isTriggered)
        case .subscriptionOpened(let record):
            writer.write(EventKind.subscriptionOpened)
            record.write(to: &writer)
        case .subscriptionClosed(let key):
            writer.write(EventKind.subscriptionClosed)
            writer.write(key)
        case .messagePublished(let record):
            writer.write(EventKind.messagePublished)
            record.write(to: &writer)
        case .messageCorrelated(let key, let processID):
            writer.write(EventKind.messageCorrelated)
            writer.write(key)
            writer.write(processID)
        case .messageRemoved(let key):
            writer.write(EventKind.messageRemoved)
            writer.write(key)
        default: preconditionFailure("not an event of this family")
        }
    }

    private func writeEngine(to writer: inout ByteWriter) {
        switch self {
        case .continuationStored(let record):
            writer.write(EventKind.continuationStored)
            record.write(to: &writer)
        case .continuationRemoved(let key):
            writer.write(EventKind.continuationRemoved)
            writer.write(key)
        case .requestAnswered(let record):
            writer.write(EventKind.requestAnswered)
            record.write(to: &writer)
        case .requestsForgotten(let lane, let time):
            writer.write(EventKind.requestsForgotten)
            writer.write(lane.rawValue)
            writer.write(time)
        case .transferQueued(let record):
            writer.write(EventKind.transferQueued)
            record.write(to: &writer)
        case .transferAcknowledged(let group, let sequence):
            writer.write(EventKind.transferAcknowledged)
            writer.write(UInt64(group))
            writer.write(sequence)
        case .transferReceived(let group, let sequence):
            writer.write(EventKind.transferReceived)
            writer.write(UInt64(group))
            writer.write(sequence)
        case .quarantined(let record):
            writer.write(EventKind.quarantined)
            record.write(to: &writer)
        case .quarantineLifted(let subject):
            writer.write(EventKind.quarantineLifted)
            writer.write(subject)
        default: preconditionFailure("not an event of this family")
        }
    }

    /// - Throws: `UnknownEventKind`, or `DecodingFailure` for bytes that are no event.
    package init(from reader: inout ByteReader) throws {
        let kind = try reader.unsigned()
        switch kind {
        case 1...4: self = try Event.definition(kind, from: &reader)
        case 10...39: self = try Event.instance(kind, from: &reader)
        case 40...149: self = try Event.work(kind, from: &reader)
        case 150...199: self = try Event.trigger(kind, from: &reader)
        case 200...249: self = try Event.engine(kind, from: &reader)
        default: throw UnknownEventKind(kind: kind)
        }
    }

    private static func definition(_ kind: UInt64, from reader: inout ByteReader) throws -> Event {
        switch kind {
        case EventKind.definitionAdded: .definitionAdded(try DefinitionRecord(from: &reader))
        case EventKind.resourceAdded: .resourceAdded(try ResourceRecord(from: &reader))
        case EventKind.startSubscriptionOpened: .startSubscriptionOpened(try StartSubscriptionRecord(from: &reader))
        case EventKind.startSubscriptionClosed: .startSubscriptionClosed(try reader.key())
        default: throw UnknownEventKind(kind: kind)
        }
    }

    private static func instance(_ kind: UInt64, from reader: inout ByteReader) throws -> Event {
        switch kind {
        case EventKind.instanceCreated: .instanceCreated(try ProcessInstanceRecord(from: &reader))
        case EventKind.instanceEnded:
            .instanceEnded(try reader.key(), try reader.enumeration(InstanceState.self), at: try reader.int64())
        case EventKind.elementEntered:
            .elementEntered(
                try ElementInstanceRecord(from: &reader),
                consumedFlows: try reader.int32(),
                takenFlows: try reader.list { try $0.int32() }
            )
        case EventKind.elementChanged: .elementChanged(try reader.key(), try reader.enumeration(ElementState.self))
        case EventKind.elementCompleted:
            .elementCompleted(
                try reader.key(),
                scope: try reader.optionalKey(),
                at: try reader.int64(),
                takenFlows: try reader.list { try $0.int32() }
            )
        case EventKind.elementTerminated:
            .elementTerminated(try reader.key(), scope: try reader.optionalKey(), at: try reader.int64())
        case EventKind.elementInterrupted: .elementInterrupted(try reader.key(), by: try reader.key())
        case EventKind.elementWaits: .elementWaits(try reader.key(), for: try reader.optionalKey())
        case EventKind.elementFlowStarted: .elementFlowStarted(try reader.key())
        case EventKind.flowArrived: .flowArrived(try TakenFlowRecord(from: &reader))
        case EventKind.flowsJoined:
            .flowsJoined(
                scope: try reader.key(),
                gateway: try reader.int32(),
                flows: try reader.list { try $0.int32() }
            )
        case EventKind.flowsDropped: .flowsDropped(scope: try reader.key(), count: try reader.int32())
        case EventKind.variableCreated: .variableCreated(try VariableRecord(from: &reader))
        case EventKind.variableUpdated: .variableUpdated(try reader.key(), value: try reader.byteArray())
        default: throw UnknownEventKind(kind: kind)
        }
    }

    private static func work(_ kind: UInt64, from reader: inout ByteReader) throws -> Event {
        switch kind {
        case EventKind.incidentCreated: .incidentCreated(try IncidentRecord(from: &reader))
        case EventKind.incidentResolved: .incidentResolved(try reader.key(), elementInstance: try reader.key())
        case EventKind.jobCreated: .jobCreated(try JobRecord(from: &reader))
        case EventKind.jobActivated:
            .jobActivated(
                try reader.key(),
                worker: try reader.string(),
                deadline: try reader.int64(),
                at: try reader.int64()
            )
        case EventKind.jobEnded:
            .jobEnded(try reader.key(), try reader.enumeration(JobState.self), at: try reader.int64())
        case EventKind.jobChanged: .jobChanged(try JobRecord(from: &reader))
        case EventKind.userTaskCreated: .userTaskCreated(try UserTaskRecord(from: &reader))
        case EventKind.userTaskChanged: .userTaskChanged(try UserTaskRecord(from: &reader))
        default: throw UnknownEventKind(kind: kind)
        }
    }

    private static func trigger(_ kind: UInt64, from reader: inout ByteReader) throws -> Event {
        switch kind {
        case EventKind.timerScheduled: .timerScheduled(try TimerRecord(from: &reader))
        case EventKind.timerRemoved: .timerRemoved(try reader.key(), isTriggered: try reader.bool())
        case EventKind.subscriptionOpened: .subscriptionOpened(try SubscriptionRecord(from: &reader))
        case EventKind.subscriptionClosed: .subscriptionClosed(try reader.key())
        case EventKind.messagePublished: .messagePublished(try MessageRecord(from: &reader))
        case EventKind.messageCorrelated: .messageCorrelated(try reader.key(), processID: try reader.string())
        case EventKind.messageRemoved: .messageRemoved(try reader.key())
        default: throw UnknownEventKind(kind: kind)
        }
    }

    private static func engine(_ kind: UInt64, from reader: inout ByteReader) throws -> Event {
        switch kind {
        case EventKind.continuationStored: .continuationStored(try ContinuationRecord(from: &reader))
        case EventKind.continuationRemoved: .continuationRemoved(try reader.key())
        case EventKind.requestAnswered: .requestAnswered(try AnsweredRequest(from: &reader))
        case EventKind.requestsForgotten:
            .requestsForgotten(try reader.enumeration(RequestLane.self), through: try reader.int64())
        case EventKind.transferQueued: .transferQueued(try OutboxRecord(from: &reader))
        case EventKind.transferAcknowledged:
            .transferAcknowledged(targetGroup: try reader.group(), sequence: try reader.int64())
        case EventKind.transferReceived:
            .transferReceived(sourceGroup: try reader.group(), sequence: try reader.int64())
        case EventKind.quarantined: .quarantined(try QuarantineRecord(from: &reader))
        case EventKind.quarantineLifted: .quarantineLifted(subject: try reader.string())
        default: throw UnknownEventKind(kind: kind)
        }
    }
}

extension ByteWriter {
    fileprivate mutating func write(flows: [Int32]) {
        write(UInt64(flows.count))
        for flow in flows { write(flow) }
    }
}
