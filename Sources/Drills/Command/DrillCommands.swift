package import ArgumentParser

/// The drill's commands, to be mounted in an executable.
package enum DrillCommands {
    /// `drill` for people; `drill-worker` and `drill-probe` are the drill's own further processes.
    package static var subcommands: [any ParsableCommand.Type] {
        [DrillCommand.self, DrillWorkerCommand.self, DrillProbeCommand.self]
    }
}

/// `thalweg drill`.
struct DrillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Rehearse faults: a load, faults in it, and proof of what was expected.",
        discussion: """
            Exit codes: 0 all expectations were met; 1 one was not; 2 the drill itself could not be run.
            """,
        subcommands: [DrillRunCommand.self, DrillCheckCommand.self],
        defaultSubcommand: DrillRunCommand.self
    )
}
