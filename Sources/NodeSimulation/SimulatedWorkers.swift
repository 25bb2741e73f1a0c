import ProcessEngine
import RaftCore

/// Workers that take jobs and complete or fail them, some twice and some too late, and remember what they were told.
final class SimulatedWorkers {
    private struct Handed: Hashable {
        var job: Key
        var activation: EventModel.Activation
    }

    private unowned let world: NodeWorld
    /// What was handed out, in order.
    private var handed: [Handed] = []
    /// Requests whose completion was acknowledged, by job.
    private var completed: [Key: Set<String>] = [:]
    private var failures: [Key: Int] = [:]
    private var requests = 0

    init(_ world: NodeWorld) { self.world = world }

    func begin() {
        for number in 0..<self.world.options.workers {
            for type in ["work", "risky"] { self.poll(type, name: "\(type)-\(number)") }
        }
    }

    func heal() { self.poll("hold", name: "hold") }

    private func poll(_ type: String, name: String) {
        // Registers are left alone until nobody uses them.
        if type == "hold", !self.world.clients.registers.isIdle {
            self.world.plan(after: 100) { [unowned self] in self.poll(type, name: name) }
            return
        }
        let timeout = self.world.isHealing ? 10_000 : self.world.draw(300...3_000)
        let command = Command.activateJobs(
            .init(
                type: type,
                worker: name,
                timeoutMilliseconds: Int64(timeout),
                limit: Int32(self.world.draw(1...3)),
                withLease: self.world.random.next(below: 2) == 0
            )
        )
        let waits = self.world.random.next(below: 3) == 0 ? nil : Int64(1_000)
        self.world.gateway.submit(command, key: nil, at: self.world.clients.someHost(), waits: waits) {
            [unowned self] outcome in
            if case .answered(.jobsActivated(let jobs)) = outcome {
                for job in jobs { self.take(job, timeout: timeout) }
            }
            self.world.plan(after: 20 + self.world.random.next(below: 200)) { [unowned self] in
                self.poll(type, name: name)
            }
        }
    }

    private func take(_ job: Answer.ActivatedJob, timeout: Int) {
        self.handed.append(
            Handed(job: job.key, activation: .init(worker: job.worker, deadline: job.deadline))
        )
        let isSlow = self.world.chance(150)
        let time = isSlow ? timeout + self.world.random.next(below: 2_000) : self.world.draw(5...250)
        self.world.plan(after: time) { [unowned self] in
            if job.type == "risky", self.failures[job.key, default: 0] < 2 {
                self.failures[job.key, default: 0] += 1
                self.fail(job)
            } else {
                self.complete(job.key, lease: job.lease)
                if self.world.chance(200) { self.complete(job.key, lease: nil) }
            }
        }
    }

    private func fail(_ job: Answer.ActivatedJob) {
        self.requests += 1
        let failure = Command.FailJob(
            retries: job.retries - 1,
            errorMessage: "no",
            retryBackOffMilliseconds: Int64(self.world.random.next(below: 2) * 200)
        )
        self.world.clients.insist(.failJob(job.key, failure, lease: job.lease), key: "fail-\(self.requests)") { _ in }
    }

    private func complete(_ job: Key, lease: String?) {
        self.requests += 1
        let key = "complete-\(self.requests)"
        self.world.clients.insist(.completeJob(job, variables: .one("by", "\"\(key)\""), lease: lease), key: key) {
            [unowned self] outcome in
            guard case .answered(.done) = outcome else { return }
            self.completed[job, default: []].insert(key)
            if self.completed[job, default: []].count > 1 {
                self.world.violation("no job is completed twice: \(job), by two requests")
            }
        }
    }

    /// A job that came before its activation counted, by a planted defect.
    func takeEarly(_ job: Key, worker: String, until deadline: Int64) {
        self.handed.append(Handed(job: job, activation: .init(worker: worker, deadline: deadline)))
    }

    func checkAtTheEnd(_ events: EventModel) {
        for handed in self.handed {
            guard let job = events.jobs[handed.job], job.activations.contains(handed.activation) else {
                self.world.violation("no job is handed out uncommitted: \(handed.job) to \(handed.activation)")
                continue
            }
        }
        for job in self.completed.keys.sorted() where !(events.jobs[job]?.isCompleted ?? false) {
            self.world.violation("no acknowledged completion is lost: that of job \(job)")
        }
    }
}
