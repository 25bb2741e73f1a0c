package import ArgumentParser

/// The client's commands, to be mounted in an executable.
///
/// Exit codes: 0 done; 1 the server refused, or `status` found the cluster unhealthy or away; 2 wrong arguments, files
/// or JSON; 3 the server cannot be reached or serve, surely nothing was done; 4 the outcome is unknown; 130 ended by a
/// second interrupt; 141 the reader of the output is gone.
package enum ClientCommands {
    /// All client commands, in the order in which help shows them.
    package static var subcommands: [any ParsableCommand.Type] {
        [
            StatusCommand.self,
            DeployCommand.self,
            StartCommand.self,
            InstancesCommand.self,
            InstanceCommand.self,
            CancelCommand.self,
            IncidentsCommand.self,
            ResolveCommand.self,
            PublishCommand.self,
            JobsCommand.self,
            TasksCommand.self,
            VariablesCommand.self,
            WorkCommand.self,
            CertificatesCommand.self,
        ]
    }

    /// The subcommands of `cluster` that ask a running cluster; those that format data folders belong to the server.
    package static var clusterSubcommands: [any ParsableCommand.Type] {
        [
            ClusterStatusCommand.self,
            ClusterMembersCommand.self,
            ClusterAddCommand.self,
            ClusterPromoteCommand.self,
            ClusterRemoveCommand.self,
            ClusterTransferLeaderCommand.self,
        ]
    }

    /// What the root command's help should say about the commands as a whole.
    package static let discussion = """
        The client commands talk to the server at --url, or THALWEG_URL, or \(ServerAddress.standard). They identify \
        themselves with THALWEG_TOKEN (a bearer token), or THALWEG_USER and THALWEG_PASSWORD.

        Durations are written as 500ms, 30s, 5m, 1h30m or in ISO 8601 (PT30S).

        Exit codes: 0 done; 1 refused by the server (status: unhealthy or not reachable); 2 wrong arguments, files or \
        JSON; 3 server not reachable or without a leader, surely nothing was done; 4 outcome unknown; 130 ended by a \
        second interrupt.

        With --json results go to standard output as JSON, one document a line, and errors to standard error as one \
        object with the members error, exitCode and, if the server answered, status.
        """

    /// The exit code for an error that parsing or running a command threw: argument-parser's own code for wrong usage
    /// becomes 2, everything else stays.
    package static func exitCode(for error: any Error, of root: any ParsableCommand.Type) -> ExitCode {
        let code = root.exitCode(for: error)
        return code == .validationFailure ? ExitCode(ClientFailure.Code.usage.rawValue) : code
    }

    /// Parses the process's arguments with `root`, runs the command and ends the process with a documented exit code.
    package static func main(_ root: any ParsableCommand.Type) async -> Never {
        do {
            var command = try root.parseAsRoot()
            if var asyncCommand = command as? any AsyncParsableCommand {
                try await asyncCommand.run()
            } else {
                try command.run()
            }
        } catch {
            let code = Self.exitCode(for: error, of: root)
            let text = root.fullMessage(for: error)
            if !text.isEmpty {
                if code == .success {
                    try? Console.line(text)
                } else {
                    Console.note(text)
                }
            }
            Self.exit(code)
        }
        Self.exit(.success)
    }
}
