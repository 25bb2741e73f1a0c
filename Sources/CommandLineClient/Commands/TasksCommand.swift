import ArgumentParser
import JSON

/// `tasks`: user tasks; lists them unless told otherwise.
struct TasksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks",
        abstract: "List, assign and complete user tasks.",
        subcommands: [TasksListCommand.self, TasksAssignCommand.self, TasksCompleteCommand.self],
        defaultSubcommand: TasksListCommand.self
    )
}

/// `tasks list`.
struct TasksListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List user tasks, newest first.",
        discussion: """
            Shows the open ones (state created) unless --state says otherwise (completed, canceled, ..., or all).

            Examples:
              thalweg tasks
              thalweg tasks --assignee ada --state all

            With --json each user task is one line of JSON, as the server describes it.
            """
    )

    @Option(help: ArgumentHelp("Only those assigned to this user.", valueName: "user"))
    var assignee: String?

    @Option(help: "Only in this state, or \"all\".")
    var state: String = "created"

    @OptionGroup var list: ListOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let state = self.state.lowercased() == "all" ? nil : self.state
            let search = SearchRequest.userTasks(assignee: self.assignee, state: state)
            try await session.list(search, options: self.list, format: .userTasks)
        }
    }
}

/// `tasks assign`.
struct TasksAssignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign",
        abstract: "Give a user task to a user.",
        discussion: """
            Takes the task from its present assignee unless --keep is given.

            Example:
              thalweg tasks assign 2251799813685301 --user ada
            """
    )

    @Argument(help: "Key of the user task.", transform: KeyArgument.argument)
    var key: KeyArgument

    @Option(help: "The user who gets it.")
    var user: String

    @Flag(name: .customLong("keep"), help: "Refuse when somebody else has it already.")
    var isKept = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            try await session.connection.send(
                .assignUserTask(self.key.text, user: self.user, allowOverride: !self.isKept)
            )
            try session.confirm("userTaskKey", self.key, "assigned", "user task \(self.key) assigned to \(self.user)")
        }
    }
}

/// `tasks complete`.
struct TasksCompleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "complete",
        abstract: "Complete a user task.",
        discussion: """
            Example:
              thalweg tasks complete 2251799813685301 --variables '{"approved": true}'
            """
    )

    @Argument(help: "Key of the user task.", transform: KeyArgument.argument)
    var key: KeyArgument

    @OptionGroup var variables: VariablesOption
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let variables = try self.variables.load()
            try await session.connection.send(.completeUserTask(self.key.text, variables: variables))
            try session.confirm("userTaskKey", self.key, "completed", "user task \(self.key) completed")
        }
    }
}

extension Session {
    /// Says that a command without an answer of its own was carried out.
    func confirm(_ keyName: String, _ key: KeyArgument, _ result: String, _ text: String) throws(ClientFailure) {
        var fields = JSONFields()
        fields[keyName] = .string(key.text)
        fields["result"] = .string(result)
        try self.show(fields.value) { [TerminalText.sanitized(text)] }
    }

    /// Carries out `action` for each key in order. A refused one does not keep the others from their turn; the first
    /// failure decides the exit code. What makes all others pointless (no server, unknown outcome) ends at once.
    func forEach(_ keys: [KeyArgument], _ action: (KeyArgument) async throws -> Void) async throws {
        var firstFailure: ClientFailure?
        for key in keys {
            do {
                try await action(key)
            } catch let failure as ClientFailure where failure.code == .refused {
                if keys.count > 1 { CommonOptions.report(failure, isJSON: self.isJSON) }
                firstFailure = firstFailure ?? failure
            }
        }
        guard let firstFailure else { return }
        // Already told above when there were several.
        let message = keys.count > 1 ? "" : firstFailure.message
        throw ClientFailure(code: firstFailure.code, message: message, status: firstFailure.status)
    }
}
