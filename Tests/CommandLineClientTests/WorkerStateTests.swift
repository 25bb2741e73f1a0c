import JSON
import Testing

@testable import CommandLineClient

@Suite struct WorkerStateTests {
    private func worker(parallel: Int = 2, jobLimit: Int? = nil, once: Bool = false) -> WorkerState {
        WorkerState(settings: .init(parallel: parallel, jobLimit: jobLimit, endsWhenIdle: once))
    }

    private func job(_ key: String) throws -> ActivatedJob {
        try #require(ActivatedJob(try JSONText.parse(Array(#"{"jobKey":"\#(key)","retries":3}"#.utf8))))
    }

    private func ended(
        _ key: String,
        _ outcome: JobOutcome = .completed(variables: nil),
        failure: String? = nil
    ) -> WorkerState.Input {
        .ended(JobReport(jobKey: key, outcome: outcome, reportFailure: failure, elapsed: .seconds(1)))
    }

    @Test func `it asks for as many jobs as there are free places`() throws {
        var state = self.worker(parallel: 3)
        let (one, two) = (try self.job("1"), try self.job("2"))

        #expect(state.step(.started) == [.poll(count: 3, isLong: true)])
        #expect(state.step(.polled([one, two])) == [.run(one), .run(two), .poll(count: 1, isLong: true)])
        #expect(state.step(self.ended("1")) == [])
        #expect(state.step(.polled([])) == [.poll(count: 2, isLong: true)])
    }

    @Test func `it does not ask while every place is taken`() throws {
        var state = self.worker(parallel: 1)
        let one = try self.job("1")

        _ = state.step(.started)
        #expect(state.step(.polled([one])) == [.run(one)])
        #expect(state.step(self.ended("1")) == [.poll(count: 1, isLong: true)])
    }

    @Test func `more jobs than asked for are handed back`() throws {
        var state = self.worker(parallel: 1)
        let (one, two) = (try self.job("1"), try self.job("2"))

        _ = state.step(.started)

        #expect(state.step(.polled([one, two])) == [.run(one), .handBack(two)])
    }

    @Test func `it ends after the given number of jobs`() throws {
        var state = self.worker(parallel: 4, jobLimit: 2)
        let (one, two) = (try self.job("1"), try self.job("2"))

        #expect(state.step(.started) == [.poll(count: 2, isLong: true)])
        #expect(state.step(.polled([one])) == [.run(one), .poll(count: 1, isLong: true)])
        #expect(state.step(.polled([two])) == [.run(two)])
        #expect(state.step(self.ended("1")) == [])
        #expect(state.step(self.ended("2")) == [.finish(nil)])
    }

    @Test func `once means to work on what is there, and on what that brings about`() throws {
        var state = self.worker(parallel: 2, once: true)
        let (one, two) = (try self.job("1"), try self.job("2"))

        #expect(state.step(.started) == [.poll(count: 2, isLong: false)])
        #expect(state.step(.polled([one])) == [.run(one), .poll(count: 1, isLong: false)])
        #expect(state.step(.polled([])) == [])
        #expect(state.step(self.ended("1")) == [.poll(count: 2, isLong: false)])
        #expect(state.step(.polled([two])) == [.run(two), .poll(count: 1, isLong: false)])
        #expect(state.step(self.ended("2")) == [])
        // The poll may have been answered before the job's end brought about another one.
        #expect(state.step(.polled([])) == [.poll(count: 2, isLong: false)])
        #expect(state.step(.polled([])) == [.finish(nil)])
    }

    @Test func `a lost server is waited for, and told about once`() {
        var state = self.worker()

        _ = state.step(.started)
        #expect(
            state.step(.pollFailed("gone", jitter: 1)) == [
                .say("gone; trying again until it is back"), .wait(.milliseconds(200)),
            ]
        )
        #expect(state.step(.waited) == [.poll(count: 2, isLong: true)])
        #expect(state.step(.pollFailed("gone", jitter: 0)) == [.wait(.milliseconds(200))])
        #expect(state.step(.waited) == [.poll(count: 2, isLong: true)])
        #expect(state.step(.polled([])) == [.say("connected again"), .poll(count: 2, isLong: true)])
    }

    @Test func `the wait for a lost server grows to ten seconds`() {
        var state = self.worker()
        _ = state.step(.started)
        var last: [WorkerState.Action] = []
        for _ in 0..<100 {
            last = state.step(.pollFailed("gone", jitter: 1))
            _ = state.step(.waited)
        }

        #expect(last == [.wait(.seconds(10))])
    }

    @Test func `a refusal ends the worker when its running jobs have ended`() throws {
        var state = self.worker(parallel: 2)
        let one = try self.job("1")
        let refusal = ClientFailure(code: .refused, message: "no", status: 403)

        _ = state.step(.started)
        _ = state.step(.polled([one]))
        #expect(state.step(.pollRefused(refusal)) == [])
        #expect(state.step(self.ended("1")) == [.finish(refusal)])
    }

    @Test func `an interrupt stops asking and waits for running jobs`() throws {
        var state = self.worker(parallel: 2)
        let (one, two) = (try self.job("1"), try self.job("2"))

        _ = state.step(.started)
        _ = state.step(.polled([one]))
        #expect(
            state.step(.interrupted) == [.say("ending; waiting for 1 running, once more to kill them"), .cancelPoll]
        )
        #expect(state.step(.polled([two])) == [.handBack(two)])
        #expect(state.step(self.ended("1")) == [.finish(nil)])
        #expect(state.step(self.ended("1")) == [])
    }

    @Test func `an interrupt with nothing running ends at once`() {
        var state = self.worker()

        _ = state.step(.started)

        #expect(state.step(.interrupted) == [.say("ending"), .cancelPoll, .finish(nil)])
    }

    @Test func `a second interrupt kills the running jobs`() throws {
        var state = self.worker(parallel: 1)

        _ = state.step(.started)
        _ = state.step(.polled([try self.job("1")]))
        _ = state.step(.interrupted)
        let actions = state.step(.interrupted)

        #expect(actions.first == .killAll)
        guard case .finish(let failure) = actions.last else { Issue.record("Expected an end"); return }
        #expect(failure?.code == .interrupted)
    }

    @Test func `an interrupt during a wait for the server ends at once`() {
        var state = self.worker()

        _ = state.step(.started)
        _ = state.step(.pollFailed("gone", jitter: 0))

        #expect(state.step(.interrupted) == [.say("ending"), .finish(nil)])
        #expect(state.step(.waited) == [])
    }

    @Test func `the tally counts every kind of end`() throws {
        var state = self.worker(parallel: 9)
        _ = state.step(.started)
        _ = state.step(.polled(try (1...4).map { try self.job("\($0)") }))
        _ = state.step(self.ended("1"))
        _ = state.step(self.ended("2", .failed(retries: 0, message: "", backoff: .zero)))
        _ = state.step(self.ended("3", .threw(code: "E", message: "", variables: nil)))
        _ = state.step(self.ended("4", failure: "lost"))

        #expect(state.tally.summary == "4 jobs done: 1 completed, 1 failed, 1 with a BPMN error, 1 not reported")
    }
}
