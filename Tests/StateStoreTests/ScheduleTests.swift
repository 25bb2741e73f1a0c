import ProcessEngine
import StateStore
import Testing

@Suite struct ScheduleTests {
    @Test func `timers are due by time, then by key, and not early`() throws {
        let state = try openState()
        for (counter, due) in [(1, 300), (2, 100), (3, 200), (4, 100), (5, 301)] as [(Int64, Int64)] {
            try state.insert(Sample.timer(counter, dueAt: due, element: counter == 3 ? nil : 101))
        }

        #expect(try state.dueTimers(now: 300, limit: 10).map(\.counter) == [2, 4, 3, 1])
        #expect(try state.dueTimers(now: 300, limit: 2).map(\.counter) == [2, 4])
        #expect(try state.dueTimers(now: 99, limit: 10).isEmpty)
    }

    @Test func `activated and backing-off jobs are due, others never`() throws {
        let state = try openState()
        let states: [JobState] = [.activatable, .activated, .backingOff, .failed, .errorThrown, .completed, .canceled]
        for (position, jobState) in states.enumerated() {
            try state.insert(Sample.job(Int64(position + 1), state: jobState, deadline: 100 - Int64(position)))
        }

        #expect(try state.dueJobs(now: 100, limit: 10).map(\.counter) == [3, 2])
        #expect(try state.dueJobs(now: 98, limit: 10).map(\.counter) == [3])
        #expect(try state.nextDueTime() == 98)

        var job = try #require(try state.job(Sample.key(3)))
        job.state = .activatable
        job.deadline = nil
        try state.update(job)

        #expect(try state.dueJobs(now: 100, limit: 10).map(\.counter) == [2])
        let activatable = try state.activatableJobs(type: "ship", tenantIDs: ["tenant-a"], limit: 9)
        #expect(activatable.map(\.key.counter) == [1, 3])
    }

    @Test func `messages expire by time, then by key`() throws {
        let state = try openState()
        for (counter, expiry) in [(1, 30), (2, 10), (3, 10), (4, 31)] as [(Int64, Int64)] {
            try state.insert(Sample.message(counter, expiresAt: expiry))
        }
        #expect(try state.expiredMessages(now: 30, limit: 10).map(\.counter) == [2, 3, 1])

        try state.removeMessage(Sample.key(2))

        #expect(try state.expiredMessages(now: 30, limit: 1).map(\.counter) == [3])
    }

    @Test func `the next due time is the earliest of all kinds`() throws {
        let state = try openState()
        #expect(try state.nextDueTime() == nil)
        try state.insert(Sample.message(1, expiresAt: 500))
        #expect(try state.nextDueTime() == 500)
        try state.insert(Sample.timer(2, dueAt: 400))
        #expect(try state.nextDueTime() == 400)
        try state.insert(Sample.job(3, state: .activated, deadline: 300))
        #expect(try state.nextDueTime() == 300)
        try state.insert(Sample.job(4, state: .completed, deadline: 5))
        #expect(try state.nextDueTime() == 300)
        try state.insert(ContinuationRecord(key: Sample.key(5), processInstanceKey: Sample.key(1), steps: []))
        #expect(try state.nextDueTime() == 0)
    }

    @Test func `continuations come by key`() throws {
        let state = try openState()
        for counter in [3, 1, 2] as [Int64] {
            try state.insert(
                ContinuationRecord(key: Sample.key(counter), processInstanceKey: Sample.key(9), steps: [])
            )
        }

        #expect(try state.continuations(limit: 2).map(\.counter) == [1, 2])
    }

    @Test func `answers are counted and forgotten by time`() throws {
        let state = try openState()
        #expect(try answers(state) == [0, nil])
        for (id, time) in [("a", 10), ("b", 20), ("c", 20), ("d", 30)] as [(String, Int64)] {
            try state.insert(Sample.answered(id, at: time))
        }
        #expect(try answers(state) == [4, 10])
        #expect(try state.answeredRequestTime(.client, newest: 1) == 30)
        #expect(try state.answeredRequestTime(.client, newest: 3) == 20)
        #expect(try state.answeredRequestTime(.client, newest: 5) == nil)
        #expect(try state.answeredRequestTime(.client, newest: 0) == nil)

        try state.removeAnsweredRequests(.client, through: 20)
        #expect(try answers(state) == [1, 30])
        #expect(try state.answeredRequest(RequestID("b")) == nil)

        try state.removeAnsweredRequests(.client, through: 9)
        try state.insert(Sample.answered("e", at: 40))
        #expect(try answers(state) == [2, 30])

        try state.removeAnsweredRequests(.client, through: 40)
        try state.insert(Sample.answered("f", at: 50))
        #expect(try answers(state) == [1, 50])
    }

    private func answers(_ state: SQLiteState) throws -> [Int64?] {
        let (count, oldest) = try state.answeredRequests(.client)
        return [Int64(count), oldest]
    }
}
