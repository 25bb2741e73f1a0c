import ArgumentParser
import Foundation
import Logging
import Node

/// `cluster reset-state`: puts the leader's state in the place of a node's own.
struct ClusterResetStateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-state",
        abstract: "Replace the damaged state of a node that does not run by its leader's.",
        discussion: """
            For a node that stops because its state is damaged or differs from its leader's. Its log, with what the \
            node has promised, must be sound and stays; so it remains a voter under its id. The old state is removed \
            with the node's next start: copy the data folder before, if somebody is to look at it.

            The node itself must be stopped, and the others run. The command talks to them under the node's identity \
            and address.

            Example:
              thalweg cluster reset-state --data /var/lib/thalweg/data
            """
    )

    @Option(help: ArgumentHelp("The node's data folder.", valueName: "folder"))
    var data = "./thalweg-data"

    @Option(
        help: ArgumentHelp(
            "Where the other nodes are, if not where they were when the folder was formatted.",
            valueName: "id=host:port,..."
        )
    )
    var members: String?

    @Option(help: ArgumentHelp("How long to look for a leader that sends its state.", valueName: "seconds"))
    var timeout = 60

    func validate() throws {
        guard (1...86_400).contains(timeout) else {
            throw ValidationError("Expected 1 to 86400 seconds for --timeout, but got \(timeout).")
        }
    }

    func run() async throws {
        var logger = Logger(label: "thalweg") { LineLogHandler(label: $0) }
        logger.logLevel = .warning
        let others = try usage { try members.map { try ClusterSettings.members($0) } }
        let results: [StateReset.Result]
        do {
            results = try await StateReset.run(
                dataFolder: data,
                members: others,
                timeout: .seconds(timeout),
                logger: logger
            )
        } catch {
            FileHandle.standardError.write(Data("Error: \(error)\n".utf8))
            throw ExitCode(2)
        }
        for result in results {
            print(
                "group \(result.group): the state of node \(result.leader), up to entry \(result.index) "
                    + "(\(result.byteCount) bytes)"
            )
        }
        print("the state is replaced; start the node with: thalweg serve --data \(data)")
    }
}
