import JSON

/// The tables of the listing commands.
extension ListFormat {
    static let processInstances = ListFormat(
        emptyText: "no process instances",
        columns: [
            .key("KEY"), .text("PROCESS"), .number("VERSION"), .text("STATE"), .text("STARTED"), .text("ENDED"),
        ],
        cells: { item in
            let state = item.text("state") + (item.member("hasIncident")?.boolValue == true ? " !" : "")
            return [
                item.text("processInstanceKey"), item.text("processDefinitionId"),
                item.digits("processDefinitionVersion"), state,
                TerminalText.timestamp(item.text("startDate")), TerminalText.timestamp(item.text("endDate")),
            ]
        }
    )

    static let incidents = ListFormat(
        emptyText: "no incidents",
        columns: [
            .key("KEY"), .text("STATE"), .text("TYPE"), .key("INSTANCE"), .text("PROCESS"), .text("ELEMENT"),
            .text("CREATED"), .text("MESSAGE"),
        ],
        cells: { item in
            [
                item.text("incidentKey"), item.text("state"), item.text("errorType"),
                item.text("processInstanceKey"), item.text("processDefinitionId"), item.text("elementId"),
                TerminalText.timestamp(item.text("creationTime")), item.text("errorMessage"),
            ]
        }
    )

    static let jobs = ListFormat(
        emptyText: "no jobs",
        columns: [
            .key("KEY"), .text("TYPE"), .text("STATE"), .number("RETRIES"), .key("INSTANCE"), .text("ELEMENT"),
            .text("WORKER"), .text("DEADLINE"), .text("ERROR"),
        ],
        cells: { item in
            let code = item.text("errorCode")
            let error = code.isEmpty ? item.text("errorMessage") : "\(code) \(item.text("errorMessage"))"
            return [
                item.text("jobKey"), item.text("type"), item.text("state"), item.digits("retries"),
                item.text("processInstanceKey"), item.text("elementId"), item.text("worker"),
                TerminalText.timestamp(item.text("deadline")), error,
            ]
        }
    )

    static let userTasks = ListFormat(
        emptyText: "no user tasks",
        columns: [
            .key("KEY"), .text("NAME"), .text("STATE"), .text("ASSIGNEE"), .text("CANDIDATES"), .number("PRIORITY"),
            .text("DUE"), .key("INSTANCE"), .text("PROCESS"),
        ],
        cells: { item in
            let candidates = ["candidateUsers", "candidateGroups"].flatMap { name in
                (item.member(name)?.arrayValue ?? []).compactMap { $0.stringValue }
            }
            let name = item.text("name")
            return [
                item.text("userTaskKey"), name.isEmpty ? item.text("elementId") : name, item.text("state"),
                item.text("assignee"), candidates.joined(separator: ", "), item.digits("priority"),
                TerminalText.timestamp(item.text("dueDate")), item.text("processInstanceKey"),
                item.text("processDefinitionId"),
            ]
        }
    )

    static let variables = ListFormat(
        emptyText: "no variables",
        columns: [.text("NAME"), .key("SCOPE"), .text("VALUE")],
        cells: { item in
            let cut = item.member("isTruncated")?.boolValue == true ? " (cut off)" : ""
            return [item.text("name"), item.text("scopeKey"), item.text("value") + cut]
        }
    )
}
