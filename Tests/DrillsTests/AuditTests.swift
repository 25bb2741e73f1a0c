import Testing

@testable import Drills

/// A ledger and what a node shows, of a few instances of each model, all well; tests spoil one thing.
private struct World {
    var ledger = LedgerContents()
    var records = NodeRecords()

    init() {
        for (index, model) in LoadModel.allCases.enumerated() {
            let (id, key) = ("run-\(model.rawValue)-1", "10\(index)")
            self.ledger.instances[id] = BegunInstance(
                model: model,
                key: key,
                messageKey: model == .message ? "900" : nil
            )
            self.records.instances[key] = "COMPLETED"
            self.records.instancesByID[id] = [key]
            for element in LoadModels.shape(model).elements {
                self.records.completedElements[key, default: [:]][element] = 1
            }
            for (number, element) in LoadModels.shape(model).jobs.keys.sorted().enumerated() {
                let job = "\(key)\(number)"
                self.records.completedJobs[key, default: [:]][element] = [job]
                self.ledger.jobs.append(Self.report(job, key, element))
            }
        }
    }

    static func report(_ job: String, _ instance: String, _ element: String) -> JobReport {
        JobReport(
            job: job,
            instance: instance,
            element: element,
            outcome: .completed,
            acknowledgement: Acknowledgement(sent: 0, answered: 1)
        )
    }

    var kinds: [Finding.Kind] { Audit(ledger: self.ledger).findings(self.records, on: "node 1").map { $0.kind } }
}

@Suite struct AuditTests {
    @Test func `a run in which all is well has no findings`() {
        #expect(World().kinds == [])
    }

    @Test func `an acknowledged instance that is not there is lost`() {
        var world = World()
        world.records.instances["100"] = nil

        #expect(world.kinds == [.lost])
    }

    @Test func `an instance that is there twice is doubled`() {
        var world = World()
        world.records.instancesByID["run-timer-1"] = ["100", "777"]

        #expect(world.kinds == [.doubled])
    }

    @Test func `an instance under another key than acknowledged is wrong`() {
        var world = World()
        world.records.instancesByID["run-timer-1"] = ["777"]

        #expect(world.kinds == [.wrong])
    }

    @Test func `an instance that nobody asked for is wrong`() {
        var world = World()
        world.records.instancesByID["run-timer-99"] = ["777"]

        #expect(world.kinds == [.wrong])
    }

    @Test func `an instance that has not ended is stuck`() {
        var world = World()
        world.records.instances["102"] = "ACTIVE"

        #expect(world.kinds == [.stuck])
    }

    @Test func `an instance with an incident is stuck`() {
        var world = World()
        world.records.incidents["103"] = "no retries left"

        #expect(world.kinds == [.stuck])
    }

    @Test func `a job that was completed twice is doubled`() {
        var world = World()
        world.records.completedJobs["100"]?["Task_Work"]?.append("other")

        #expect(world.kinds == [.doubled])
    }

    @Test func `an acknowledged completion that is not there is lost, for the instance and for the worker`() {
        var world = World()
        world.records.completedJobs["100"] = [:]

        #expect(world.kinds == [.lost, .lost])
    }

    @Test func `a completion acknowledged twice is doubled`() {
        var world = World()
        world.ledger.jobs.append(World.report("1000", "100", "Task_Work"))

        #expect(world.kinds == [.doubled])
    }

    @Test func `a message correlated twice is doubled`() {
        var world = World()
        world.records.completedElements["101"]?["Event_Message"] = 2

        #expect(world.kinds == [.doubled])
    }

    @Test func `an end that was passed by nobody is lost`() {
        var world = World()
        world.records.completedElements["102"]?["End"] = nil

        #expect(world.kinds == [.lost])
    }

    @Test func `a creation that nobody acknowledged may be there or not`() {
        var world = World()
        world.ledger.instances["run-timer-2"] = BegunInstance(model: .timer)
        #expect(world.kinds == [])

        world.records.instancesByID["run-timer-2"] = ["555"]
        world.records.instances["555"] = "COMPLETED"
        world.records.completedElements["555"] = ["Event_Wait": 1, "End": 1]
        world.records.completedJobs["555"] = ["Task_Work": ["556"]]
        #expect(world.kinds == [])

        world.records.completedJobs["555"] = ["Task_Work": ["556", "557"]]
        #expect(world.kinds == [.doubled])
    }

    @Test func `a message that was never acknowledged may leave its instance waiting`() {
        var world = World()
        world.ledger.instances["run-message-1"]?.messageKey = nil
        world.records.instances["101"] = "ACTIVE"

        #expect(world.kinds == [])
    }

    @Test func `many findings of one kind are counted, not told one by one`() {
        var world = World()
        for number in 0..<100 {
            world.ledger.instances["run-timer-x\(number)"] = BegunInstance(model: .timer, key: "lost\(number)")
        }

        #expect(world.kinds.count == 21)
    }

    @Test func `nodes that show different things are found`() {
        let world = World()
        var other = world.records
        other.completedElements["100"] = nil

        #expect(Audit.differences([("node 1", world.records), ("node 2", world.records)]) == [])
        #expect(Audit.differences([("node 1", world.records), ("node 2", other)]).map { $0.kind } == [.wrong])
    }

    @Test func `a key that was given out twice is noticed at once`() {
        let ledger = Ledger()
        ledger.begin("a", .timer)
        ledger.begin("b", .timer)
        ledger.created("a", key: "1")
        ledger.created("b", key: "1")

        #expect(ledger.snapshot.violations.count == 1)
    }
}
