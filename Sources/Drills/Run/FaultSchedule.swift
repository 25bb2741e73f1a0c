import Synchronization

/// Lets faults strike when their time has come. Each plan has a thread of its own, so that faults may overlap.
final class FaultSchedule: Sendable {
    private let injector: FaultInjector
    private let records = Mutex<[FaultRecord]>([])
    private let threads = ThreadGroup()
    /// When the load began, in seconds since the drill began.
    private let loadBegan: Double
    private let acknowledged: @Sendable () -> Int

    init(
        _ plans: [FaultPlan],
        injector: FaultInjector,
        loadBegan: Double,
        acknowledged: @escaping @Sendable () -> Int
    ) {
        self.injector = injector
        self.loadBegan = loadBegan
        self.acknowledged = acknowledged
        for plan in plans {
            self.threads.start("fault \(plan.kind.rawValue)") { self.run(plan) }
        }
    }

    private func run(_ plan: FaultPlan) {
        while !self.isDue(plan.trigger) {
            if self.injector.isAborted.value { return }
            DrillClock.sleep(seconds: 0.01)
        }
        for number in 1...plan.times where !self.injector.isAborted.value {
            let record = self.injector.strike(plan)
            self.records.withLock { $0.append(record) }
            if plan.times > 1 { self.injector.say("\(plan.kind.rawValue) \(number) of \(plan.times) is over") }
            // What could not be undone makes everything behind it meaningless.
            if record.failure != nil { return }
            if number < plan.times { self.injector.last(plan.every) }
        }
    }

    private func isDue(_ trigger: FaultTrigger) -> Bool {
        switch trigger {
        case .after(let seconds): self.injector.stopwatch.seconds >= self.loadBegan + seconds
        case .afterAcknowledged(let count): self.acknowledged() >= count
        }
    }

    /// Whether all have struck; blocks at most this long.
    func isOver(seconds: Double) -> Bool { self.threads.join(seconds: seconds) }

    var all: [FaultRecord] { self.records.withLock { $0 }.sorted { $0.began < $1.began } }
}
