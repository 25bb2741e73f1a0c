/// What is rehearsed: a load, faults in it, and what is expected. Read from a file in `chaos/`.
package struct Scenario: Hashable, Sendable {
    package var name: String
    /// What is believed to be true, and is shown to be wrong when the drill fails.
    package var hypothesis: String
    /// What happens to whom, and how to end it early.
    package var stop: String
    /// How many nodes the cluster has; one is a single server without a cluster.
    package var nodes: Int
    package var network: NetworkChoice
    /// How long new work is begun, in seconds.
    package var duration: Double
    package var load: LoadPlan
    package var faults: [FaultPlan]
    package var expectations: Expectations
    /// Further options of `thalweg serve`.
    package var serveOptions: [String]

    /// The scenario in its short form.
    package func shortened(by variant: ShortVariant?) -> Scenario {
        guard let variant else { return self }
        var result = self
        if let duration = variant.duration { result.duration = duration }
        if let times = variant.times {
            for index in result.faults.indices { result.faults[index].times = min(result.faults[index].times, times) }
        }
        if let finish = variant.finishAll { result.expectations.finishAll = finish }
        return result
    }
}

/// How nodes reach each other.
package enum NetworkChoice: String, CaseIterable, Hashable, Sendable {
    /// Over the loopback interface; links cannot be disturbed.
    case plain
    /// Network namespaces of the drill's own where the machine allows it, else relays.
    case links
    /// Namespaces, or the drill cannot run.
    case namespaces
    /// Relays in the drill's own process.
    case relays
}

/// A scenario as it stands in its file, with its variant for a quick run.
package struct ScenarioFile: Hashable, Sendable {
    package var scenario: Scenario
    package var short: ShortVariant?
}

/// What is different in the short form of a scenario, which CI runs.
package struct ShortVariant: Hashable, Sendable {
    package var duration: Double?
    /// The largest number of repetitions of each fault.
    package var times: Int?
    package var finishAll: Double?
}

/// Kinds of process instances that the load mixes.
package enum LoadModel: String, CaseIterable, Hashable, Sendable {
    /// Waits for a timer, then for a job.
    case timer
    /// Waits for a message that the load publishes.
    case message
    /// Two jobs side by side.
    case parallel
    /// A sub-process whose job fails once and is tried again.
    case retries
}

/// What clients and workers do during a drill.
package struct LoadPlan: Hashable, Sendable {
    /// New instances per second, by model.
    package var instancesPerSecond: [LoadModel: Double]
    /// Threads that begin instances; spread over the nodes.
    package var clients: Int
    /// Worker processes per node.
    package var workersPerNode: Int
    /// How many variables serve as registers; 0 is none.
    package var registers: Int
    /// Threads per node that read and write registers.
    package var registerClientsPerNode: Int
    /// Pause of a register client behind each operation, in seconds.
    package var registerPause: Double

    package var totalPerSecond: Double { self.instancesPerSecond.values.reduce(0, +) }
}
