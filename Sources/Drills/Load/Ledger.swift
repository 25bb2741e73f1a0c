import Synchronization

/// One acknowledged command: when the request that was answered left the client, and when its answer was there.
struct Acknowledgement: Hashable, Sendable {
    /// Seconds since the drill began.
    var sent: Double
    var answered: Double
}

/// What the load knows of an instance that it began.
struct BegunInstance: Hashable, Sendable {
    var model: LoadModel
    /// Nil until the cluster acknowledged it.
    var key: String?
    /// Key of the message published for it; nil until acknowledged.
    var messageKey: String?
}

/// What a worker was told about one job it worked on.
struct JobReport: Hashable, Sendable {
    enum Outcome: String, Hashable, Sendable {
        case completed, failed, refused, unknown
    }

    var job: String
    var instance: String
    var element: String
    var outcome: Outcome
    var acknowledgement: Acknowledgement
}

/// What clients asked for and what was acknowledged to them; nothing in here comes from searches.
struct LedgerContents: Sendable {
    /// By the id that the load chose.
    var instances: [String: BegunInstance] = [:]
    var jobs: [JobReport] = []
    var acknowledgements: [Acknowledgement] = []
    /// Requests that were sent again, by why.
    var repeats: [String: Int] = [:]
    /// Answers that should never be given.
    var violations: [String] = []
    /// Keys given out for something new.
    fileprivate var keys: Set<String> = []
}

/// The ledger that all clients of a drill write.
final class Ledger: Sendable {
    private let contents = Mutex(LedgerContents())
    private let acknowledged = Atomic<Int>(0)

    /// How many commands were acknowledged so far; workers' own are added at the end.
    var acknowledgedCount: Int { self.acknowledged.load(ordering: .relaxed) }

    var snapshot: LedgerContents { self.contents.withLock { $0 } }

    /// Keys of all instances whose beginning was acknowledged.
    var acknowledgedInstances: Set<String> {
        self.contents.withLock { contents in Set(contents.instances.values.compactMap { $0.key }) }
    }

    func begin(_ id: String, _ model: LoadModel) {
        self.contents.withLock { $0.instances[id] = BegunInstance(model: model) }
    }

    func acknowledge(_ acknowledgement: Acknowledgement) {
        self.acknowledged.wrappingAdd(1, ordering: .relaxed)
        self.contents.withLock { $0.acknowledgements.append(acknowledgement) }
    }

    /// Writes down the key of a new instance; an old key is a violation.
    func created(_ id: String, key: String) {
        self.contents.withLock { contents in
            if key.isEmpty || !contents.keys.insert(key).inserted {
                contents.violations.append("instance \(id) got the key '\(key)', which is not new")
            }
            contents.instances[id]?.key = key
        }
    }

    func published(_ id: String, key: String) {
        self.contents.withLock { contents in
            if key.isEmpty || !contents.keys.insert(key).inserted {
                contents.violations.append("the message for \(id) got the key '\(key)', which is not new")
            }
            contents.instances[id]?.messageKey = key
        }
    }

    func repeated(_ reason: String) { self.contents.withLock { $0.repeats[reason, default: 0] += 1 } }

    func violation(_ text: String) {
        self.contents.withLock { contents in
            if contents.violations.count < 100 { contents.violations.append(text) }
        }
    }

    func add(_ reports: [JobReport]) {
        self.contents.withLock { contents in
            contents.jobs += reports
            contents.acknowledgements += reports.lazy.filter { $0.outcome != .unknown }.map { $0.acknowledgement }
        }
    }

    /// The first acknowledgement of a request sent at or behind `time`; nil when there is none.
    func firstAnswer(toRequestsSince time: Double) -> Double? {
        self.contents.withLock { contents in
            // The newest are at the end, and the question is asked again and again.
            contents.acknowledgements.suffix(5_000).lazy.filter { $0.sent >= time }.map { $0.answered }.min()
        }
    }
}
