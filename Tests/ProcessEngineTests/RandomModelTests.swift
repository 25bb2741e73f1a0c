import ProcessEngine
import StateStore
import Testing

/// Random models, random workers, random limits: whatever happens, instances end and nothing is left of them.
@Suite struct RandomModelTests {
    private static let seedsPerTest: UInt64 = 30
    private static let roundLimit = 1_000

    @Test(arguments: 0..<10) func `instances of random models end and leave nothing behind`(part: UInt64) throws {
        for seed in part * Self.seedsPerTest..<(part + 1) * Self.seedsPerTest {
            try Self.run(seed: seed)
        }
    }

    private static func run(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &+ 77)
        var limits = EngineLimits()
        limits.stepsPerCommand = [1, 3, 10, 500].randomElement(using: &random) ?? 500
        limits.childrenPerStep = [1, 2, 100].randomElement(using: &random) ?? 100
        let harness = try EngineHarness(limits: limits)
        harness.continuesChains = random.chance(50)
        try harness.deploy([DeploymentResource(name: "random.bpmn", content: RandomModel.file(seed: seed))])
        for number in 0..<2 { _ = try harness.start("main", ["r": "\(number)", "key": "\"k\""]) }
        var rounds = 0
        while try StateDump.processInstances(harness.state).contains(where: { $0.state == .active }),
            rounds < roundLimit
        {
            rounds += 1
            if seed.isMultiple(of: 5), rounds == 6 { try cancelOne(harness) }
            try act(harness, &random)
            if rounds.isMultiple(of: 8) { #expect(try harness.faults() == [], "seed \(seed)") }
        }
        try harness.runDue()

        #expect(rounds < roundLimit, "seed \(seed): instances do not end")
        for table in ["timer", "message_subscription", "taken_flow", "continuation"] {
            #expect(try StateDump.count(table, harness.state) == 0, "seed \(seed): rows left in \(table)")
        }
        let jobs = try StateDump.jobs(harness.state)
        #expect(jobs.allSatisfy { $0.state == .completed || $0.state == .canceled }, "seed \(seed): jobs left")
        for element in try StateDump.elementInstances(harness.state) {
            #expect(element.state.isFinal, "seed \(seed): '\(element.elementID)' is active")
            #expect(element.activeChildren == 0, "seed \(seed): '\(element.elementID)' counts children")
        }
        try harness.verify()
    }

    private static func cancelOne(_ harness: EngineHarness) throws {
        let instances = try StateDump.processInstances(harness.state)
        guard let root = instances.first(where: { $0.parentInstanceKey == nil && $0.state == .active }) else { return }
        try harness.send(.cancelInstance(root.key))
    }

    private static func act(_ harness: EngineHarness, _ random: inout SeededGenerator) throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...4: try work(harness, &random)
        case 5: try harness.publish("go", key: "k", ttl: random.chance(50) ? 30_000 : 0)
        case 6: try harness.pass(milliseconds: Int64.random(in: 1...70_000, using: &random))
        case 7:
            for task in try StateDump.userTasks(harness.state) where task.state == .created {
                try harness.send(.completeUserTask(task.key, variables: .init(), action: nil))
            }
        case 8: try harness.continueChains(limit: 2)
        default:
            for incident in try StateDump.incidents(harness.state) where !incident.isResolved {
                if let job = incident.jobKey { try harness.send(.updateJob(job, .init(retries: 2), lease: nil)) }
                try harness.resolve(incident.key)
            }
        }
    }

    private static func work(_ harness: EngineHarness, _ random: inout SeededGenerator) throws {
        for job in try harness.activate("work", limit: 3, timeout: 20_000) {
            // What came first may have ended what was handed out with it.
            guard try harness.state.job(job.key)?.state == .activated else { continue }
            switch Int.random(in: 0..<10, using: &random) {
            case 0: try harness.fail(job.key, retries: 1, backOff: random.chance(50) ? 5_000 : 0)
            case 1: try harness.fail(job.key, retries: 0)
            case 2: try harness.throwError(job.key, random.chance(70) ? "E" : "F", ["x": "1"])
            case 3: break
            default: try harness.complete(job.key, ["r": "\(Int.random(in: 0..<9, using: &random))"])
            }
        }
    }
}
