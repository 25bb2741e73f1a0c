import ProcessEngine
import ReplicaCore

/// What the committed events of a group say happened, kept beside the state so that both can be compared, with the
/// rules that no history may break.
struct EventModel {
    struct Instance {
        var businessID: String?
        var state: InstanceState
    }

    struct Activation: Hashable {
        var worker: String
        var deadline: Int64
    }

    struct Job {
        var instance: Key
        var type: String
        var activations: [Activation] = []
        var isCompleted = false
        var isEnded = false
    }

    struct Incident {
        var key: Key
        var jobKey: Key?
    }

    private(set) var instances: [Key: Instance] = [:]
    private(set) var instanceByBusinessID: [String: Key] = [:]
    private(set) var jobs: [Key: Job] = [:]
    /// In the order of their creation.
    private(set) var openIncidents: [Incident] = []
    private(set) var answers: [RequestID: Answer] = [:]
    private(set) var definitions: Set<String> = []
    /// Timers and when they are due.
    private var timers: [Key: Int64] = [:]
    private var time: Int64 = 0
    /// Called with the due time of each timer that is triggered.
    var timerTriggered: (Int64) -> Void = { _ in }

    var unfinishedCount: Int { self.instances.values.count { $0.state == .active } }

    mutating func begin(_ header: BatchEntry.Header, report: (String) -> Void) {
        if header.time < self.time { report("group time went back from \(self.time) to \(header.time)") }
        self.time = header.time
    }

    mutating func apply(_ event: Event, at time: Int64, report: (String) -> Void) {
        switch event {
        case .definitionAdded(let record): self.definitions.insert(record.processID)
        case .instanceCreated(let record): self.create(record, report)
        case .instanceEnded(let key, let state, _):
            if self.instances[key]?.state != .active { report("instance \(key) ends twice or was never created") }
            self.instances[key]?.state = state
        case .jobCreated(let record):
            self.jobs[record.key] = Job(instance: record.processInstanceKey, type: record.type)
        case .jobActivated(let key, let worker, let deadline, _):
            if self.jobs[key]?.isEnded ?? true { report("job \(key) is activated after its end") }
            self.jobs[key]?.activations.append(Activation(worker: worker, deadline: deadline))
        case .jobEnded(let key, let state, _):
            if self.jobs[key]?.isEnded ?? true { report("job \(key) ends twice") }
            self.jobs[key]?.isEnded = true
            self.jobs[key]?.isCompleted = state == .completed
        case .timerScheduled(let record): self.timers[record.key] = record.dueAt
        case .timerRemoved(let key, let isTriggered): self.removeTimer(key, isTriggered, at: time, report)
        case .incidentCreated(let record):
            self.openIncidents.append(Incident(key: record.key, jobKey: record.jobKey))
        case .incidentResolved(let key, _): self.openIncidents.removeAll { $0.key == key }
        case .requestAnswered(let record):
            if self.answers[record.id] != nil { report("request \(record.id.text) is answered twice") }
            self.answers[record.id] = record.answer
        default: break
        }
    }

    private mutating func create(_ record: ProcessInstanceRecord, _ report: (String) -> Void) {
        if self.instances[record.key] != nil { report("instance \(record.key) is created twice") }
        self.instances[record.key] = Instance(businessID: record.businessID, state: .active)
        guard let businessID = record.businessID else { return }
        if let other = self.instanceByBusinessID[businessID] {
            report("one request made two instances: \(businessID) made \(other) and \(record.key)")
        }
        self.instanceByBusinessID[businessID] = record.key
    }

    private mutating func removeTimer(_ key: Key, _ isTriggered: Bool, at time: Int64, _ report: (String) -> Void) {
        guard let due = self.timers.removeValue(forKey: key) else {
            report("timer \(key) is removed twice or was never there")
            return
        }
        guard isTriggered else { return }
        if time < due { report("timers are never early: \(key) is due at \(due) and triggered at \(time)") }
        self.timerTriggered(due)
    }
}
