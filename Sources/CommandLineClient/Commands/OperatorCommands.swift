import ArgumentParser
import JSON

/// `cancel`: ends process instances.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel process instances.",
        discussion: """
            Everything active in the instance is terminated; this cannot be undone.

            Example:
              thalweg cancel 2251799813685252 2251799813685260

            With --json each cancelled instance is one line of JSON.
            """
    )

    @Argument(help: "Keys of the process instances.", transform: KeyArgument.argument)
    var keys: [KeyArgument]

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            try await session.forEach(self.keys) { key in
                try await session.connection.send(.cancel(key.text))
                try session.confirm("processInstanceKey", key, "cancelled", "process instance \(key) cancelled")
            }
        }
    }
}

/// `resolve`: lets what waits go on.
struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Resolve incidents, so that their instances go on.",
        discussion: """
            Repair the cause first: deploy what was missing, or set a variable with "thalweg variables set". A job \
            without retries needs new ones: --retries gives them to the incident's job before the incident is resolved.

            Examples:
              thalweg resolve 2251799813685290
              thalweg resolve 2251799813685290 --retries 3

            With --json each resolved incident is one line of JSON.
            """
    )

    @Argument(help: "Keys of the incidents.", transform: KeyArgument.argument)
    var keys: [KeyArgument]

    @Option(help: "First give the incident's job this many retries.")
    var retries: Int?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let retries, retries < 1 || retries > 1_000_000 {
            throw ValidationError("Expected 1 to 1000000 retries, but got \(retries)")
        }
    }

    func run() async throws {
        try await self.common.perform { session in
            try await session.forEach(self.keys) { key in
                try await self.giveRetries(key, session)
                try await session.connection.send(.resolve(key.text))
                try session.confirm("incidentKey", key, "resolved", "incident \(key) resolved")
            }
        }
    }

    private func giveRetries(_ key: KeyArgument, _ session: Session) async throws {
        guard let retries else { return }
        let incident = try await session.connection.send(.incident(key.text))
        let jobKey = incident.text("jobKey")
        guard !jobKey.isEmpty else {
            throw ClientFailure.refused(
                "incident \(key) (\(incident.text("errorType"))) belongs to no job, so there are no retries to update; "
                    + "resolve it without --retries"
            )
        }
        try await session.connection.send(.updateJobRetries(jobKey, retries: retries))
    }
}

/// `publish`: publishes a message.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish a message to waiting or future process instances.",
        discussion: """
            Without --ttl the message is dropped when nobody waits for it now.

            Examples:
              thalweg publish payment-received --correlation-key order-31
              thalweg publish payment-received --correlation-key order-31 --ttl 1h --variables '{"amount": 120}'

            With --json the server's answer is printed as one JSON document.
            """
    )

    @Argument(help: "Name of the message.")
    var name: String

    @Option(name: .customLong("correlation-key"), help: ArgumentHelp("What instances wait for.", valueName: "key"))
    var correlationKey: String = ""

    @OptionGroup var variables: VariablesOption

    @Option(
        name: .customLong("ttl"),
        help: ArgumentHelp("How long the message waits for a receiver.", valueName: "duration"),
        transform: DurationArgument.argument
    )
    var timeToLive = DurationArgument(milliseconds: 0)

    @Option(
        name: .customLong("message-id"),
        help: ArgumentHelp("Refuse a second message of this id while the first one waits.", valueName: "id")
    )
    var messageID: String?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let answer = try await session.connection.send(
                .publish(
                    name: self.name,
                    correlationKey: self.correlationKey,
                    variables: try self.variables.load(),
                    timeToLive: self.timeToLive.duration,
                    messageID: self.messageID
                )
            )
            try session.show(answer) { [answer.text("messageKey")] }
        }
    }
}

/// `variables`: changes the data of running instances.
struct VariablesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "variables",
        abstract: "Change the variables of a running instance.",
        subcommands: [VariablesSetCommand.self]
    )
}

/// `variables set`.
struct VariablesSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set variables in a scope.",
        discussion: """
            A process instance is its own outermost scope, so its key works as well. Each variable is changed in the \
            nearest scope that has it, from the given one outward; with --local exactly in the given scope.

            Examples:
              thalweg variables set 2251799813685252 '{"amount": 95}'
              thalweg variables set 2251799813685259 @fixed.json --local
            """
    )

    @Argument(help: "Key of the element instance or process instance.", transform: KeyArgument.argument)
    var key: KeyArgument

    @Argument(help: ArgumentHelp("A JSON object, @FILE, or - for standard input.", valueName: "json"))
    var source: VariablesSource

    @Flag(name: .customLong("local"), help: "Set them in exactly this scope.")
    var isLocal = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let variables = try self.source.load()
            try await session.connection.send(
                .setVariables(elementInstanceKey: self.key.text, variables: variables, isLocal: self.isLocal)
            )
            let count = variables.objectValue?.count ?? 0
            let text = "\(count) \(count == 1 ? "variable" : "variables") set in \(self.key)"
            try session.confirm("elementInstanceKey", self.key, "set", text)
        }
    }
}
