import ArgumentParser
import CommandLineClient
import Drills
import NIOCore
import NIOPosix

/// The one binary: server and client.
struct Thalweg: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thalweg",
        abstract: "A clustered engine for business processes and jobs.",
        discussion: ClientCommands.discussion,
        version: ThalwegVersion.current,
        subcommands: [ServeCommand.self, ClusterCommand.self] + ClientCommands.subcommands + DrillCommands.subcommands
    )
}

if CommandLine.arguments.dropFirst().first == "serve" {
    // Handlers run on the event loops themselves: two thread changes less for each request. Nothing in a handler
    // blocks; commands wait on their group's thread, queries on threads of their own. Where the runtime does not
    // allow it, all works as before, a little slower.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
}
await ClientCommands.main(Thalweg.self)
