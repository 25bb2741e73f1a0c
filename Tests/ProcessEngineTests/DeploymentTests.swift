import Foundation
import ProcessEngine
import StateStore
import Testing

@Suite struct DeploymentTests {
    @Test func `the same file is the same version, a changed one is the next`() throws {
        try scenario { (engine: EngineHarness) throws in
            let first = try engine.deploy(["service-task"])
            let again = try engine.deploy(["service-task"])
            try engine.deploy("service-task", replacing: "name=\"Do the work\"", by: "name=\"Do it\"")
            let resource = try EngineHarness.resource("service-task")
            let renamed = try engine.deploy([DeploymentResource(name: "other.bpmn", content: resource.content)])

            #expect(first.processes.map(\.version) == [1])
            #expect(again.processes == first.processes)
            #expect(again.key != first.key)
            #expect(renamed.processes.map(\.version) == [3])
            #expect(renamed.processes.first?.resourceName == "other.bpmn")
        }
    }

    @Test func `both groups have the definitions when the deployment is answered`() throws {
        try scenario("call") { engine in
            for group in [engine.cluster, engine.instances] {
                let definition = try group.state.latestDefinition(
                    processID: "called-process",
                    tenantID: defaultTenantID
                )
                #expect(definition?.key.group == EngineGroups.cluster)
                #expect(try definition.flatMap { try group.state.resource($0.resourceKey) } != nil)
            }
            #expect(try engine.cluster.state.outbox(targetGroup: EngineGroups.instances, limit: 1).isEmpty)
        }
    }

    @Test func `a transfer is received once, however often it is sent`() throws {
        try scenario("message-start") { engine in
            let definition = try #require(
                try engine.state.latestDefinition(processID: "message-start", tenantID: defaultTenantID)
            )
            let transfer = Transfer.definitions([definition], resources: [])

            let repeated = try engine.schedule(.receive(transfer, sourceGroup: 0, sequence: 1))
            let tooEarly = try engine.schedule(.receive(transfer, sourceGroup: 0, sequence: 3))

            #expect(repeated.events.isEmpty)
            #expect(repeated.effects == [.acknowledge(sourceGroup: 0, sequence: 1)])
            #expect(tooEarly.events.isEmpty)
            #expect(tooEarly.effects.isEmpty, "what comes before it is missing")
        }
    }

    @Test func `an acknowledgement answers who waits, once`() throws {
        let environment = EngineEnvironment(modelReader: TestModelReader())
        let cluster = try EngineGroup(EngineGroups.cluster, environment: environment)
        let resources = [try EngineHarness.resource("service-task")]
        let request = RequestedCommand(
            id: RequestID("r"),
            command: .deploy(resources: resources, tenantID: defaultTenantID)
        )
        let deployed = try cluster.run(.client(request), now: 1)
        let repeated = RequestedCommand(id: RequestID("s"), command: request.command)

        let overtaking = try cluster.run(.client(repeated), now: 1)
        let first = try cluster.run(.scheduled(.acknowledge(targetGroup: 1, sequence: 1)), now: 1)
        let second = try cluster.run(.scheduled(.acknowledge(targetGroup: 1, sequence: 1)), now: 1)
        let last = try cluster.run(.scheduled(.acknowledge(targetGroup: 1, sequence: 2)), now: 1)

        #expect(deployed.answer == nil)
        #expect(deployed.effects == [.transfer(targetGroup: 1)])
        #expect(overtaking.answer == nil, "the definitions may not be there yet")
        guard case .answer(let id, .deployed) = first.effects.first else {
            Issue.record("no answer")
            return
        }
        #expect(id == RequestID("r"))
        #expect(second.effects.isEmpty)
        #expect(last.effects.count == 1)
        #expect(try cluster.run(.client(repeated), now: 1).answer != nil)
    }

    @Test func `all that is wrong with a deployment is said at once, and nothing is deployed`() throws {
        try scenario { (engine: EngineHarness) throws in
            let good = try EngineHarness.resource("service-task")
            let faults: [[DeploymentResource]] = [
                [], [DeploymentResource(name: "a.bpmn", content: [])],
                [good, DeploymentResource(name: "b.bpmn", content: Array("<xml".utf8))],
                [good, DeploymentResource(name: "again.bpmn", content: good.content)],
            ]
            for resources in faults {
                let rejection = #expect(throws: Rejection.self) { try engine.deploy(resources) }
                #expect(rejection?.code == .invalidArgument)
            }
            let both = [
                DeploymentResource(name: "a.bpmn", content: []),
                DeploymentResource(name: "b.bpmn", content: Array("<xml".utf8)),
            ]
            let rejection = #expect(throws: Rejection.self) { try engine.deploy(both) }
            #expect(rejection?.reason.contains("a.bpmn") == true)
            #expect(rejection?.reason.contains("b.bpmn") == true)
            #expect(try StateDump.count("process_definition", engine.cluster.state) == 0)
        }
    }
}
