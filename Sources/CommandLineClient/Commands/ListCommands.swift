import ArgumentParser
import JSON

/// `instances`: lists process instances.
struct InstancesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances",
        abstract: "List process instances, newest first.",
        discussion: """
            An exclamation mark behind the state means that the instance has an open incident.

            Examples:
              thalweg instances --process order --state active
              thalweg instances --incidents
              thalweg instances --all --json | jq -r .processInstanceKey

            With --json each instance is one line of JSON, as the server describes it.
            """
    )

    @Option(name: .customLong("process"), help: ArgumentHelp("Only of this BPMN process id.", valueName: "id"))
    var processID: String?

    @Option(help: "Only in this state: active, completed, terminated or suspended.")
    var state: String?

    @Flag(name: .customLong("incidents"), help: "Only those with an open incident.")
    var hasIncident = false

    @OptionGroup var list: ListOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let search = SearchRequest.processInstances(
                processID: self.processID,
                state: self.state,
                hasIncident: self.hasIncident ? true : nil
            )
            try await session.list(search, options: self.list, format: .processInstances)
        }
    }
}

/// `incidents`: lists what waits for an operator.
struct IncidentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents",
        abstract: "List incidents: what waits for an operator.",
        discussion: """
            Shows the open ones unless --state says otherwise (active, pending, resolved, migrated, or all).

            Examples:
              thalweg incidents
              thalweg incidents --process order --state resolved

            With --json each incident is one line of JSON, as the server describes it.
            """
    )

    @Option(name: .customLong("process"), help: ArgumentHelp("Only of this BPMN process id.", valueName: "id"))
    var processID: String?

    @Option(help: "Only in this state, or \"all\".")
    var state: String = "active"

    @OptionGroup var list: ListOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let state = self.state.lowercased() == "all" ? nil : self.state
            let search = SearchRequest.incidents(processID: self.processID, state: state)
            try await session.list(search, options: self.list, format: .incidents)
        }
    }
}

/// `jobs`: lists the work units of service tasks.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List jobs, newest first.",
        discussion: """
            States: created, completed, failed, timed_out, canceled, error_thrown, retries_updated.

            Examples:
              thalweg jobs --type charge-card --state created
              thalweg jobs --state failed --all

            With --json each job is one line of JSON, as the server describes it.
            """
    )

    @Option(help: "Only of this job type.")
    var type: String?

    @Option(help: "Only in this state.")
    var state: String?

    @OptionGroup var list: ListOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let search = SearchRequest.jobs(type: self.type, state: self.state)
            try await session.list(search, options: self.list, format: .jobs)
        }
    }
}
