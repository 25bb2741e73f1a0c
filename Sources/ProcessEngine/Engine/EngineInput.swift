/// What the leader itself wants done, mostly because its time has come.
package enum InternalCommand: Hashable, Sendable {
    case triggerTimer(Key)
    /// The activation or the back-off of a job is over.
    case expireJob(Key)
    /// A job was handed to somebody who is gone: it is offered again.
    case returnJob(Key, deadline: Int64)
    case expireMessage(Key)
    case continueSteps(Key)
    case forgetRequests(RequestLane, through: Int64)
    /// Something another group sent.
    case receive(Transfer, sourceGroup: UInt32, sequence: Int64)
    /// Another group has what this one sent.
    case acknowledge(targetGroup: UInt32, sequence: Int64)
    /// Executing this subject ended the process twice, or failed by a fault of ours.
    case quarantine(subject: QuarantineSubject, reason: String)
}

/// What a crash is blamed on.
package enum QuarantineSubject: Hashable, Sendable {
    /// Everything that goes on in an instance; the element instance gets the incident.
    case instance(Key, elementInstance: Key)
    /// Exactly this command, by its hash.
    case command(Int64)
    /// The timer of a start event: it starts nothing any more until its process is deployed anew.
    case startTimer(Key)

    /// The text under which it is kept.
    package var text: String {
        switch self {
        case .instance(let key, _): QuarantineSubject.text(ofInstance: key)
        case .command(let hash): "command:\(hash)"
        case .startTimer(let key): "timer:\(key)"
        }
    }

    /// The text under which an instance is kept.
    package static func text(ofInstance key: Key) -> String { "instance:\(key)" }
}

/// A client's command with the request it belongs to.
package struct RequestedCommand: Hashable, Sendable {
    /// Names this one submission, for its answer.
    package var id: RequestID
    /// Names the request across repetitions; its answer is kept for them.
    package var idempotencyKey: RequestID?
    package var command: Command

    package init(id: RequestID, idempotencyKey: RequestID? = nil, command: Command) {
        self.id = id
        self.idempotencyKey = idempotencyKey
        self.command = command
    }
}

package enum EngineInput: Hashable, Sendable {
    case client(RequestedCommand)
    case scheduled(InternalCommand)
}

/// What is to happen outside once the events are committed.
package enum Effect: Hashable, Sendable {
    /// A request that waited gets its answer.
    case answer(RequestID, Answer)
    /// One more job may be activated by those who wait for this type.
    case jobsAvailable(type: String, tenantID: String)
    /// The outbox holds something new for this group.
    case transfer(targetGroup: UInt32)
    /// Tell a group that its transfer arrived.
    case acknowledge(sourceGroup: UInt32, sequence: Int64)
}

/// What came of one input.
package struct ProcessingResult: Hashable, Sendable {
    package var events: [Event]
    package var effects: [Effect]
    /// Nil when there is nobody to answer or the answer comes later.
    package var answer: Answer?

    package init(events: [Event] = [], effects: [Effect] = [], answer: Answer? = nil) {
        self.events = events
        self.effects = effects
        self.answer = answer
    }
}
