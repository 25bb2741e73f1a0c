import ProcessEngine
import StateStore
import Testing

@Suite struct TimerTests {
    @Test func `a timer is never early and never late`() throws {
        try scenario("timer-catch") { engine in
            let instance = try engine.start("timer-catch", ["pause": "\"PT10S\""])
            try engine.pass(milliseconds: 9_999)
            #expect(try engine.active(instance) == ["wait"])
            try engine.pass(milliseconds: 1)
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a timer command that comes too early does nothing`() throws {
        try scenario("timer-catch") { engine in
            let instance = try engine.start("timer-catch", ["pause": "\"PT10S\""])
            let timer = try #require(try StateDump.timers(engine.state).first)
            #expect(try engine.schedule(.triggerTimer(timer.key)).events.isEmpty)
            #expect(try engine.schedule(.triggerTimer(Key(group: 1, counter: 999))).events.isEmpty)
            #expect(try engine.active(instance) == ["wait"])
        }
    }

    /// A duration, and when it is over, in milliseconds from its begin.
    private static let durations: [(String, Int64)] = [
        ("PT0S", 0), ("-PT1H", -3_600_000), ("P1D", 86_400_000), ("P2W", 1_209_600_000), ("P1M", 2_678_400_000),
        ("P1Y2M3DT4H", 36_993_600_000), ("PT0.5S", 500),
    ]

    @Test(arguments: durations) func `a duration ends when it should`(text: String, length: Int64) throws {
        try scenario("timer-catch") { engine in
            let begin = engine.now
            let instance = try engine.start("timer-catch", ["pause": "\"\(text)\""])
            #expect(try StateDump.timers(engine.state).first?.dueAt == begin + length)
            try engine.pass(milliseconds: max(0, length))
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    /// A date, and its distance from the begin of the scenario.
    private static let dates: [(String, Int64)] = [
        ("2027-01-15T08:00:10Z", 10_000), ("2027-01-15T09:00:10+01:00", 10_000),
        ("2027-01-15T09:00:10+01:00[Europe/Berlin]", 10_000), ("2027-01-15T08:01Z", 60_000),
        ("2027-01-15T08:00:10@UTC", 10_000), ("2020-01-01T00:00:00Z", 0),
    ]

    @Test(arguments: dates) func `a date is reached when it should`(text: String, length: Int64) throws {
        try scenario("timer-date") { engine in
            let instance = try engine.start("timer-date", ["when": "\"\(text)\""])
            if length > 0 {
                try engine.pass(milliseconds: length - 1)
                #expect(try engine.active(instance) == ["wait"])
            }
            try engine.pass(milliseconds: length > 0 ? 1 : 0)
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `an interrupting boundary timer ends its task`() throws {
        try scenario("boundary-timer") { engine in
            let instance = try engine.start("boundary-timer")
            let job = try engine.job("work")

            try engine.pass(minutes: 60)

            #expect(try engine.active(instance) == ["rescue"])
            #expect(try engine.states(of: "task", in: instance) == [.terminated])
            #expect(try engine.refusal(of: .completeJob(job.key, variables: .init(), lease: nil)).code == .notFound)
            try engine.work("rescue")
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `a boundary timer is closed when its task completes`() throws {
        try scenario("boundary-timer") { engine in
            let instance = try engine.start("boundary-timer")
            try engine.work("work")
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try StateDump.timers(engine.state).isEmpty)
        }
    }

    @Test func `a cycle fires as often as it says, in its rhythm`() throws {
        try scenario("boundary-cycle") { engine in
            let instance = try engine.start("boundary-cycle")
            let begin = engine.now
            for count in 1...3 {
                #expect(try StateDump.timers(engine.state).map(\.dueAt) == [begin + Int64(count) * 3_600_000])
                try engine.pass(minutes: 60)
                #expect(try engine.active(instance).filter { $0 == "reminder" }.count == count)
            }
            #expect(try StateDump.timers(engine.state).isEmpty)
            try engine.work("work")
            for job in try engine.activate("reminder") { try engine.complete(job.key) }
            #expect(try engine.instanceState(instance) == .completed)
        }
    }

    @Test func `an overdue cycle fires once and keeps its rhythm`() throws {
        try scenario("boundary-cycle") { engine in
            let instance = try engine.start("boundary-cycle")
            let begin = engine.now

            try engine.sleep(minutes: 150)

            #expect(try engine.active(instance).filter { $0 == "reminder" }.count == 1)
            #expect(try StateDump.timers(engine.state).map(\.dueAt) == [begin + 180 * 60_000])
        }
    }

    @Test func `a start timer's cycle creates instances`() throws {
        try scenario("timer-start-cycle") { engine in
            try engine.pass(minutes: 9)
            #expect(try engine.instances(of: "timer-start-cycle").isEmpty)
            try engine.pass(minutes: 60)
            #expect(try engine.instances(of: "timer-start-cycle").count == 3)
            #expect(try StateDump.timers(engine.state).isEmpty)
        }
    }

    @Test func `a new version takes the start timer over`() throws {
        try scenario("timer-start-cycle") { engine in
            try engine.pass(minutes: 5)
            try engine.deploy("timer-start-cycle", replacing: "R3/PT10M", by: "R1/PT20M")

            try engine.pass(minutes: 60)

            let versions = try engine.instances(of: "timer-start-cycle")
                .map { try engine.state.definition($0.definitionKey)?.version }
            #expect(versions == [2])
        }
    }

    @Test func `a start timer's date in a zone and its cron expression are understood`() throws {
        try scenario("timer-start-date", "timer-start-cron") { engine in
            try engine.pass(minutes: 1)
            #expect(try engine.instances(of: "timer-start-date").count == 1)
            try engine.pass(minutes: 29)
            #expect(try engine.instances(of: "timer-start-cron").count == 1)
            try engine.pass(minutes: 120)
            #expect(try engine.instances(of: "timer-start-cron").count == 3)
        }
    }

    @Test func `a start timer that cannot be evaluated refuses the deployment`() throws {
        try scenario { (engine: EngineHarness) throws in
            #expect(throws: Rejection.self) {
                try engine.deploy("timer-start-cycle", replacing: "R3/PT10M", by: "=&quot;nonsense&quot;")
            }
            #expect(throws: Rejection.self) {
                try engine.deploy("timer-start-cycle", replacing: "R3/PT10M", by: "0 0 0 30 2 *")
            }
        }
    }

    @Test func `what is wrong with a timer becomes an incident and is tried again`() throws {
        try scenario("timer-catch", "timer-date") { engine in
            for value in ["null", "1", "\"soon\"", "\"P1DT\"", "\"P99999999999999999Y\""] {
                let instance = try engine.start("timer-catch", ["pause": value])
                let incident = try engine.incident(instance)
                #expect(incident.type == .extractValue)
                try engine.send(
                    .setVariables(scope: instance, variables: engine.document(["pause": "\"PT1S\""]), isLocal: false)
                )
                try engine.resolve(incident.key)
                try engine.pass(milliseconds: 1_000)
                #expect(try engine.instanceState(instance) == .completed)
            }
            let date = try engine.start("timer-date", ["when": "\"2027-01-15T08:00:00@Nowhere/Land\""])
            #expect(try engine.incident(date).type == .extractValue)
        }
    }
}
