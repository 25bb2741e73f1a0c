import ArgumentParser
import JSON

/// `instance`: everything about one process instance.
struct InstanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instance",
        abstract: "Show one process instance with all that happens in it.",
        discussion: """
            Shows state, element instances (indented by scope), variables, incidents, jobs and user tasks. An \
            exclamation mark behind a state means an open incident.

            Example:
              thalweg instance 2251799813685252

            With --json one JSON document is printed, with the members processInstance, elementInstances, variables, \
            incidents, jobs and userTasks, each as the server describes it.
            """
    )

    /// How many scopes are asked for their content; beyond this, elements are shown without indentation.
    static let scopesLimit = 100

    @Argument(help: "Key of the process instance.", transform: KeyArgument.argument)
    var key: KeyArgument

    @Option(help: "Show at most this many of each kind.")
    var limit: Int = 200

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard self.limit >= 1, self.limit <= SearchRequest.pageLimit else {
            throw ValidationError("Expected a limit of 1 to \(SearchRequest.pageLimit), but got \(self.limit)")
        }
    }

    func run() async throws {
        try await self.common.perform { session in
            let details = try await session.withProgress({ "reading process instance \(self.key)" }) {
                try await self.read(session)
            }
            try session.show(details.document) {
                details.lines(width: session.terminal.width, style: session.terminal.style)
            }
        }
    }

    private func read(_ session: Session) async throws -> InstanceDetails {
        let connection = session.connection
        let key = self.key.text
        let instance = try await connection.send(.processInstance(key))
        let elements = try await self.page(connection, .elementInstances(processInstanceKey: key))
        var parents: [String: String] = [:]
        let scopes = elements.items
            .filter { ElementTree.scopeTypes.contains($0.text("type")) }
            .map { $0.text("elementInstanceKey") }
        for scope in scopes.prefix(Self.scopesLimit) {
            let content = try await self.page(connection, .elementInstances(processInstanceKey: key, scopeKey: scope))
            for item in content.items { parents[item.text("elementInstanceKey")] = scope }
        }
        return InstanceDetails(
            instance: instance,
            elements: elements,
            parents: parents,
            variables: try await self.page(connection, .variables(processInstanceKey: key)),
            incidents: try await self.page(
                connection,
                .incidents(processID: nil, processInstanceKey: key, state: nil)
            ),
            jobs: try await self.page(connection, .jobs(type: nil, state: nil, processInstanceKey: key)),
            userTasks: try await self.page(
                connection,
                .userTasks(assignee: nil, state: nil, processInstanceKey: key)
            )
        )
    }

    private func page(_ connection: ServerConnection, _ search: SearchRequest) async throws -> SearchPage {
        try SearchPage(try await connection.send(search.page(limit: self.limit)))
    }
}

/// What `instance` shows.
struct InstanceDetails: Equatable, Sendable {
    let instance: JSONValue
    let elements: SearchPage
    /// Scope of an element instance by its key, as far as known.
    let parents: [String: String]
    let variables: SearchPage
    let incidents: SearchPage
    let jobs: SearchPage
    let userTasks: SearchPage

    /// Everything as one JSON document.
    var document: JSONValue {
        var fields = JSONFields()
        fields["processInstance"] = self.instance
        fields["elementInstances"] = .array(self.elements.items)
        fields["variables"] = .array(self.variables.items)
        fields["incidents"] = .array(self.incidents.items)
        fields["jobs"] = .array(self.jobs.items)
        fields["userTasks"] = .array(self.userTasks.items)
        return fields.value
    }

    /// The page for people.
    func lines(width: Int?, style: TextStyle) -> [String] {
        var lines = self.head(style: style)
        let tree = ElementTree(items: self.elements.items, parents: self.parents)
        lines += self.section("Elements", self.elements, tree.table(), width, style)
        lines += self.section("Variables", self.variables, .variables, width, style)
        lines += self.section("Incidents", self.incidents, .incidents, width, style)
        lines += self.section("Jobs", self.jobs, .jobs, width, style)
        lines += self.section("User tasks", self.userTasks, .userTasks, width, style)
        return lines
    }

    private func head(style: TextStyle) -> [String] {
        let item = self.instance
        let state = item.text("state")
        let hasIncident = item.member("hasIncident")?.boolValue == true
        let shownState = hasIncident ? style.bad("\(state), with incident") : style.strong(state)
        let name = item.text("processDefinitionName")
        let process = item.text("processDefinitionId") + (name.isEmpty ? "" : " (\(name))")
        var lines = [
            "Process instance  \(TerminalText.sanitized(item.text("processInstanceKey")))",
            "State             \(shownState)",
            "Process           \(TerminalText.sanitized(process)), version \(item.digits("processDefinitionVersion"))",
            "Started           \(TerminalText.timestamp(item.text("startDate")))",
        ]
        let facts = [
            ("Ended", TerminalText.timestamp(item.text("endDate"))),
            ("Parent instance", TerminalText.sanitized(item.text("parentProcessInstanceKey"))),
            ("Business id", TerminalText.sanitized(item.text("businessId"))),
        ]
        for (title, value) in facts where !value.isEmpty {
            lines.append(TerminalText.padded(title, to: 18) + value)
        }
        return lines
    }

    private func section(
        _ title: String,
        _ page: SearchPage,
        _ format: ListFormat,
        _ width: Int?,
        _ style: TextStyle
    ) -> [String] {
        var table = Table(format.columns)
        for item in page.items { table.append(format.cells(item)) }
        return self.section(title, page, table, width, style)
    }

    private func section(
        _ title: String,
        _ page: SearchPage,
        _ table: Table,
        _ width: Int?,
        _ style: TextStyle
    ) -> [String] {
        guard !page.items.isEmpty else { return [] }
        var lines = ["", style.strong(title)] + table.lines(fitting: width.map { $0 - 2 }).map { "  " + $0 }
        if page.totalItems > page.items.count {
            lines.append("  and \(TerminalText.grouped(page.totalItems - page.items.count)) more (see --limit)")
        }
        return lines
    }
}
