import ArgumentParser

/// The load generator. It starts servers of its own, measures them and stops them.
@main
struct ThalwegBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thalweg-bench",
        abstract: "Measures Thalweg against the limits of the machine it runs on.",
        discussion: """
            Each run starts its own servers with data folders of their own, stops them and removes the folders.
            The result goes to standard output, progress to standard error.
            docs/internals/benchmarks.md says how each number is measured.
            """,
        subcommands: [RunCommand.self, RetentionCommand.self, RaftCommand.self, ClusterCommand.self],
        defaultSubcommand: RunCommand.self
    )
}
