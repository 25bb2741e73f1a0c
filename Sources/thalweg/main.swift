import ArgumentParser
import CommandLineClient

/// The one binary: server and client.
struct Thalweg: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thalweg",
        abstract: "A clustered engine for business processes and jobs.",
        discussion: ClientCommands.discussion,
        version: ThalwegVersion.current,
        subcommands: [ServeCommand.self] + ClientCommands.subcommands
    )
}

await ClientCommands.main(Thalweg.self)
