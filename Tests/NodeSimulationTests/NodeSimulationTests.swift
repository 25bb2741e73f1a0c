import NodeSimulation
import Testing

@Suite struct NodeSimulationTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>) func `whole nodes keep what they promised`(seed: UInt64) {
        let report = NodeWorld.run(NodeSimulationOptions(seed: seed))

        #expect(report.violations.isEmpty, "\(report.summary)")
    }
}
