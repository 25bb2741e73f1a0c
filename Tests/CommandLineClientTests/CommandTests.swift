import ArgumentParser
import Testing

@testable import CommandLineClient

@Suite struct CommandTests {
    private struct Root: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "thalweg",
            subcommands: ClientCommands.subcommands
        )
    }

    /// The exit code of a command line that never gets as far as running.
    private func exitCode(_ arguments: [String]) -> Int32? {
        do {
            _ = try Root.parseAsRoot(arguments)
            return nil
        } catch {
            return ClientCommands.exitCode(for: error, of: Root.self).rawValue
        }
    }

    @Test func `every command has a name of its own and says what it is for`() {
        let configurations = ClientCommands.subcommands.map { $0.configuration }

        #expect(Set(configurations.map { $0.commandName }).count == configurations.count)
        #expect(configurations.allSatisfy { !$0.abstract.isEmpty })
        #expect(
            configurations.allSatisfy { configuration in
                configuration.discussion.contains("Example") || !configuration.subcommands.isEmpty
            }
        )
    }

    @Test(
        arguments: [
            ["start"], ["start", "p", "--count", "0"], ["start", "p", "--version", "0"],
            ["start", "p", "--idempotency-key", "a b"], ["start", "p", "--timeout", "soon"], ["cancel"],
            ["cancel", "abc"], ["instances", "--limit", "0"], ["publish"], ["resolve", "1", "--retries", "0"],
            ["tasks", "assign", "1"], ["variables", "set", "1"], ["work", "pay"], ["work", "pay", "--exec", ""],
            ["work", "pay", "--exec", "x", "--parallel", "0"], ["work", "pay", "--exec", "x", "--timeout", "1ms"],
            ["work", "pay", "--exec", "x", "--max-jobs", "0"], ["work", "pay", "--exec", "x", "--output-limit", "-1"],
            ["nonsense"], ["status", "--nonsense"], ["certs", "create-ca"], ["certs", "show"],
            ["certs", "create-node", "--ca", "a", "--node", "-1", "--host", "h", "--out", "b"],
            ["certs", "create-node", "--ca", "a", "--node", "1", "--out", "b"], ["certs", "renew", "--ca", "a"],
        ])
    func `wrong usage is exit code 2`(arguments: [String]) {
        #expect(self.exitCode(arguments) == 2)
    }

    @Test(arguments: [["--help"], ["help", "work"], ["work", "--help"]])
    func `help is exit code 0`(arguments: [String]) {
        #expect((self.exitCode(arguments) ?? 0) == 0)
    }

    @Test(
        arguments: [
            ["status", "--strict", "--json"], ["deploy", "a.bpmn", "b.form"],
            ["start", "p", "--version", "2", "--variables", "{}", "--await", "--timeout", "PT5S"],
            ["start", "p", "--variables", "-", "--idempotency-key", "k", "--count", "5"],
            ["instances", "--process", "p", "--state", "active", "--all"], ["instance", "1"], ["cancel", "1", "2"],
            ["incidents", "--state", "all"], ["resolve", "1", "--retries", "3"],
            ["publish", "m", "--correlation-key", "k", "--ttl", "1h", "--message-id", "i"],
            ["jobs", "--type", "t", "--state", "failed"], ["tasks"], ["tasks", "--assignee", "ada"],
            ["tasks", "complete", "1", "--variables", "@f"], ["tasks", "assign", "1", "--user", "ada"],
            ["variables", "set", "1", "{}", "--local"], ["certs", "show", "a", "--json"],
            ["certs", "create-ca", "--out", "a", "--cluster-id", "00112233aabbccdd", "--not-after", "-5"],
            ["work", "pay", "--exec", "x", "--parallel", "8", "--backoff", "30s", "--max-jobs", "3", "--lease"],
        ])
    func `right usage is accepted`(arguments: [String]) {
        #expect(self.exitCode(arguments) == nil)
    }
}
