import ProcessEngine
import StateStore
import Testing

@Suite struct LongChainTests {
    private static func limits(steps: Int, children: Int = 100) -> EngineLimits {
        var limits = EngineLimits()
        limits.stepsPerCommand = steps
        limits.childrenPerStep = children
        return limits
    }

    @Test(arguments: [1, 2, 3, 7, 39, 40, 41, 1_000]) func `a long chain is cut and loses nothing`(steps: Int) throws {
        try scenario("long-chain", limits: Self.limits(steps: steps)) { engine in
            let instance = try engine.start("long-chain", ["n": "0"])
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.variables(of: instance) == ["n": "40"])
        }
    }

    @Test func `a loop without a wait state lets others work in between`() throws {
        try scenario("script-loop", "service-task", limits: Self.limits(steps: 50)) { engine in
            engine.continuesChains = false
            let loop = try engine.start("script-loop", ["n": "0", "limit": "1000000000"])

            for _ in 0..<5 {
                #expect(try engine.continueChains(limit: 3) == 3)
                let other = try engine.start("service-task")
                try engine.work("work")
                #expect(try engine.instanceState(other) == .completed)
            }

            #expect(try engine.instanceState(loop) == .active)
            #expect(try StateDump.count("continuation", engine.state) == 1)
            try engine.send(.cancelInstance(loop))
            try engine.continueChains(limit: 10)
            #expect(try engine.instanceState(loop) == .terminated)
            #expect(try StateDump.count("continuation", engine.state) == 0)
        }
    }

    @Test func `a loop that ends completes`() throws {
        try scenario("script-loop", limits: Self.limits(steps: 10)) { engine in
            let loop = try engine.start("script-loop", ["n": "0", "limit": "100"])
            #expect(try engine.instanceState(loop) == .completed)
            #expect(try engine.variables(of: loop)["n"] == "100")
        }
    }

    @Test func `a chain is also cut when it writes much`() throws {
        var limits = EngineLimits()
        limits.contentBytesPerCommand = 1
        try scenario("long-chain", limits: limits) { engine in
            engine.continuesChains = false
            let instance = try engine.start("long-chain", ["n": "0"])
            #expect(try engine.continueChains() > 30)
            #expect(try engine.variables(of: instance) == ["n": "40"])
        }
    }

    @Test(arguments: [(1_000, 100), (50, 10), (3, 7), (1, 1)])
    func `many children are terminated in chunks`(steps: Int, children: Int) throws {
        try scenario("many-children", limits: Self.limits(steps: steps, children: children)) { engine in
            let canceled = try engine.start("many-children", ["key": "1"])
            let interrupted = try engine.start("many-children", ["key": "2"])
            #expect(try engine.active(canceled).count == 131)

            try engine.send(.cancelInstance(canceled))
            try engine.publish("cancel", key: "2")

            #expect(try engine.instanceState(canceled) == .terminated)
            #expect(try engine.instanceState(interrupted) == .completed)
            #expect(try engine.states(of: "canceled", in: interrupted) == [.completed])
            #expect(try engine.activate("many").isEmpty)
        }
    }

    @Test(arguments: [(1_000, 100), (20, 10), (1, 1)])
    func `a terminate end event ends many children in chunks`(steps: Int, children: Int) throws {
        try scenario("many-children-terminate", limits: Self.limits(steps: steps, children: children)) { engine in
            let instance = try engine.start("many-children-terminate")
            try engine.work("last")
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try engine.states(of: "t129", in: instance) == [.terminated])
        }
    }

    @Test func `a terminate end event also ends a chain that is stored`() throws {
        try scenario("terminate-long", limits: Self.limits(steps: 20)) { engine in
            engine.continuesChains = false
            let instance = try engine.start("terminate-long", ["n": "0"])
            #expect(try engine.continueChains(limit: 2) == 2)

            try engine.work("a")

            try engine.continueChains(limit: 10)
            #expect(try engine.instanceState(instance) == .completed)
            #expect(try StateDump.count("continuation", engine.state) == 0)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 8, 11])
    func `every scenario of termination may be cut anywhere`(steps: Int) throws {
        let models = ["boundary-on-scope", "two-tasks", "terminate-inside", "service-task", "error-across-call"]
        for cancelsLater in [false, true] {
            try scenario(models[0], models[1], models[2], models[3], models[4], limits: Self.limits(steps: steps)) {
                engine in
                let first = try engine.start("boundary-on-scope", ["key": "1"])
                let second = try engine.start("terminate-inside")
                let third = try engine.start("error-across-call")
                engine.continuesChains = false
                try engine.publish("cancel", key: "1")
                for job in try engine.activate("a") {
                    _ = try? engine.complete(job.key)
                }
                try engine.work("t-work")
                if cancelsLater {
                    for instance in [first, second, third] { try engine.send(.cancelInstance(instance)) }
                }

                try engine.continueChains()

                let expected: InstanceState = cancelsLater ? .terminated : .active
                #expect(
                    try [first, second, third].map { try engine.instanceState($0) } == [expected, expected, expected]
                )
                if !cancelsLater {
                    #expect(try engine.active(first) == ["canceled"])
                    #expect(try engine.active(second) == ["after"])
                    #expect(try engine.active(third) == ["handler"])
                }
            }
        }
    }

    @Test func `what happens to an instance between two batches of its end is dropped`() throws {
        try scenario("many-children", limits: Self.limits(steps: 5, children: 5)) { engine in
            let instance = try engine.start("many-children", ["key": "1"])
            let jobs = try engine.activate("many")
            engine.continuesChains = false
            try engine.send(.cancelInstance(instance))

            for (index, job) in jobs.reversed().prefix(20).enumerated() {
                if index.isMultiple(of: 2) { try engine.complete(job.key) } else { try engine.throwError(job.key, "E") }
                try engine.continueChains(limit: 1)
            }
            try engine.publish("cancel", key: "1", ttl: 1_000)
            try engine.send(.cancelInstance(instance))
            try engine.continueChains()

            #expect(try engine.instanceState(instance) == .terminated)
        }
    }
}
