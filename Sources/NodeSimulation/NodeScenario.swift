package import Simulation

/// Whole nodes: the production log, replica, engine and SQLite state on disks that lose power, with clients, workers
/// and operators.
package struct NodeScenario: Scenario {
    package init() {}

    package var name: String { "node" }

    package var summary: String {
        "whole nodes (Raft, durable log, replica, process engine, SQLite) with process instances, workers and clients"
    }

    package var defects: [Defect] { Defect.allCases.filter { NodeScenario.supported.contains($0) } }

    private static let supported: Set<Defect> = [
        .answersBeforeCommit, .appliedIndexApart, .dispatchesBeforeCommit, .noSync, .sessionsLostInSnapshot,
        .wallClockTime,
    ]

    package func run(seed: UInt64, options: ScenarioOptions) -> ScenarioReport {
        NodeWorld.run(NodeSimulationOptions(seed: seed, scenario: options))
    }
}
