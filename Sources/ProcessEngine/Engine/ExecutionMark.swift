/// Names, in a few bytes, the input that is being executed: kept where a crash does not reach it, so that the next
/// start knows what ended the process.
package struct ExecutionMark: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        case none = 0
        case command = 1
        case job = 2
        case userTask = 3
        case incident = 4
        case elementInstance = 5
        case timer = 6
        case continuation = 7
    }

    package var kind: Kind
    /// A key, or the hash of a command.
    package var id: Int64

    package init(kind: Kind, id: Int64) {
        self.kind = kind
        self.id = id
    }

    package init(_ input: EngineInput) {
        switch input {
        case .client(let request): self.init(request.command)
        case .scheduled(.triggerTimer(let key)): self.init(kind: .timer, id: key.rawValue)
        case .scheduled(.continueSteps(let key)): self.init(kind: .continuation, id: key.rawValue)
        case .scheduled: self.init(kind: .none, id: 0)
        }
    }

    private init(_ command: Command) {
        switch command {
        case .completeJob(let key, _, _), .failJob(let key, _, _), .throwJobError(let key, _, _),
            .updateJob(let key, _, _):
            self.init(kind: .job, id: key.rawValue)
        case .completeUserTask(let key, _, _), .assignUserTask(let key, _, _, _), .unassignUserTask(let key),
            .updateUserTask(let key, _, _):
            self.init(kind: .userTask, id: key.rawValue)
        case .resolveIncident(let key): self.init(kind: .incident, id: key.rawValue)
        case .cancelInstance(let key), .setVariables(let key, _, _):
            self.init(kind: .elementInstance, id: key.rawValue)
        case .activateJobs: self.init(kind: .none, id: 0)
        case .deploy, .createInstance, .publishMessage, .correlateMessage:
            self.init(kind: .command, id: CommandHash.of(command))
        }
    }
}
