import ProcessEngine

/// Where the rows of a view are kept, and how its fields are read from there (`Schema`).
struct ViewTable: Sendable {
    let view: ViewKind
    let table: String
    let keyColumn: String
    /// Rows of the table that no view shows are left out by it.
    let condition: (@Sendable (TableAliases) -> String)?
    /// By position of the view's fields.
    let columns: [ViewColumn]
    /// SQL that gives all fields of the row with a key: its one parameter.
    private(set) var rowQuery = ""

    private init(
        _ view: ViewKind,
        _ table: String,
        condition: (@Sendable (TableAliases) -> String)? = nil,
        _ named: [String: ViewColumn]
    ) {
        self.view = view
        self.table = table
        self.keyColumn = view.fields[0].name
        self.condition = condition
        self.columns = view.fields.map { named[$0.name] ?? .own($0.name) }
        self.rowQuery = self.makeRowQuery()
    }

    static func of(_ view: ViewKind) -> ViewTable {
        switch view {
        case .processDefinition: self.processDefinition
        case .processInstance: self.processInstance
        case .elementInstance: self.elementInstance
        case .job: self.job
        case .incident: self.incident
        case .variable: self.variable
        case .userTask: self.userTask
        }
    }

    /// Whether rows belong to a process instance, and move to the history with it.
    var hasInstances: Bool { self.view != .processDefinition }

    func aliases(level: Int) -> TableAliases {
        let own = "t\(level)"
        return switch self.view {
        case .processDefinition: TableAliases(own: own, instance: own, definition: own)
        case .processInstance: TableAliases(own: own, instance: own, definition: "d\(level)")
        default: TableAliases(own: own, instance: "p\(level)", definition: "d\(level)")
        }
    }

    /// SQL of the key of the process instance that a row belongs to; of a definition its own key.
    func instanceKey(_ aliases: TableAliases) -> String {
        self.hasInstances ? "\(aliases.own).processInstanceKey" : "\(aliases.own).\(self.keyColumn)"
    }

    /// The table with what is joined to it. A row is shown even if what it belongs to were missing.
    func source(_ aliases: TableAliases, joining joins: JoinedTables) -> String {
        var sql = "\(self.table) \(aliases.own)"
        if joins.contains(.instance), aliases.instance != aliases.own {
            sql += " LEFT JOIN process_instance \(aliases.instance)"
            sql += " ON \(aliases.instance).processInstanceKey = \(aliases.own).processInstanceKey"
        }
        if joins.contains(.definition), aliases.definition != aliases.own {
            sql += " LEFT JOIN process_definition \(aliases.definition)"
            sql += " ON \(aliases.definition).processDefinitionKey = \(aliases.instance).processDefinitionKey"
        }
        return sql
    }

    private func makeRowQuery() -> String {
        let aliases = self.aliases(level: 0)
        let joins = self.columns.reduce(into: JoinedTables()) { $0.formUnion($1.joins) }
        let values = self.columns.map { $0.expression(aliases) }.joined(separator: ", ")
        var sql = "SELECT \(values) FROM \(self.source(aliases, joining: joins))"
        sql += " WHERE \(aliases.own).\(self.keyColumn) = ?"
        if let condition { sql += " AND \(condition(aliases))" }
        return sql
    }
}

extension ViewTable {
    private static let processDefinition = ViewTable(
        .processDefinition,
        "process_definition",
        [
            "hasStartForm": .constant("0"),
            "isLatestVersion": .computed { aliases in
                """
                (\(aliases.own).version = (SELECT max(newest.version) FROM process_definition newest \
                WHERE newest.processDefinitionId = \(aliases.own).processDefinitionId \
                AND newest.tenantId = \(aliases.own).tenantId))
                """
            },
        ]
    )

    private static let processInstance = ViewTable(
        .processInstance,
        "process_instance",
        [
            "processDefinitionId": .definition("processDefinitionId"),
            "processDefinitionName": .definition("name"),
            "processDefinitionVersion": .definition("version"),
            "processDefinitionVersionTag": .definition("versionTag"),
            "startDate": .own("startDate", followsKey: true),
            "state": .words("state", [("ACTIVE", [0]), ("COMPLETED", [1]), ("TERMINATED", [2])]),
            "hasIncident": .boolean(
                { aliases in
                    """
                    EXISTS(SELECT 1 FROM incident open \
                    WHERE open.processInstanceKey = \(aliases.own).processInstanceKey AND open.state = 0)
                    """
                },
                whenTrue: { aliases in
                    """
                    \(aliases.own).processInstanceKey IN \
                    (SELECT open.processInstanceKey FROM incident open WHERE open.state = 0)
                    """
                }
            ),
        ]
    )

    /// Kinds of elements as models name them, in the words of BPMN.
    private static let elementKinds = [
        "process", "subProcess", "eventSubProcess", "adHocSubProcess", "adHocSubProcessInnerInstance", "startEvent",
        "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "endEvent", "task", "serviceTask",
        "receiveTask", "userTask", "manualTask", "businessRuleTask", "scriptTask", "sendTask", "callActivity",
        "exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "sequenceFlow",
        "multiInstanceBody", "transaction",
    ]

    private static let elementInstance = ViewTable(
        .elementInstance,
        "element_instance",
        condition: { "\($0.own).type <> 'process'" },
        [
            "type": .kind("type", elementKinds),
            "state": .words("state", [("ACTIVE", [0, 1, 2, 3]), ("COMPLETED", [4]), ("TERMINATED", [5])]),
            "startDate": .own("startDate", followsKey: true),
            "hasIncident": .computed { "(\($0.own).incidentKey IS NOT NULL)" },
            "rootProcessInstanceKey": .instance("rootProcessInstanceKey"),
            "processDefinitionKey": .instance("processDefinitionKey"),
            "processDefinitionId": .definition("processDefinitionId"),
            "tenantId": .instance("tenantId"),
        ]
    )

    private static let job = ViewTable(
        .job,
        "job",
        [
            "state": .words(
                "mark",
                [
                    ("CREATED", [0]), ("COMPLETED", [1]), ("FAILED", [2]), ("TIMED_OUT", [3]), ("CANCELED", [4]),
                    ("ERROR_THROWN", [5]), ("RETRIES_UPDATED", [6]), ("TIMEOUT_UPDATED", [7]),
                    ("PRIORITY_UPDATED", [8]), ("MIGRATED", [9]),
                ]
            ),
            "kind": .constant("'BPMN_ELEMENT'"),
            "listenerEventType": .constant("'UNSPECIFIED'"),
            // While a job backs off the column holds the end of the back-off, which is no deadline of a worker.
            "deadline": .computed { "CASE WHEN \($0.own).state <> 2 THEN \($0.own).deadline END" },
            "hasFailedWithRetriesLeft": .computed { "(\($0.own).mark = 2 AND \($0.own).retries > 0)" },
            "processDefinitionId": .definition("processDefinitionId"),
            "processDefinitionKey": .instance("processDefinitionKey"),
            "rootProcessInstanceKey": .instance("rootProcessInstanceKey"),
            "businessId": .instance("businessId"),
            "creationTime": .own("creationTime", followsKey: true),
        ]
    )

    private static let incident = ViewTable(
        .incident,
        "incident",
        [
            "state": .words("state", [("ACTIVE", [0]), ("RESOLVED", [1])]),
            "creationTime": .own("creationTime", followsKey: true),
            "processDefinitionId": .definition("processDefinitionId"),
            "processDefinitionKey": .instance("processDefinitionKey"),
            "rootProcessInstanceKey": .instance("rootProcessInstanceKey"),
        ]
    )

    private static let variable = ViewTable(
        .variable,
        "variable",
        [
            "rootProcessInstanceKey": .instance("rootProcessInstanceKey"),
            "tenantId": .instance("tenantId"),
        ]
    )

    private static let userTask = ViewTable(
        .userTask,
        "user_task",
        [
            "state": .words("state", [("CREATED", [0]), ("COMPLETED", [1]), ("CANCELED", [2])]),
            "processDefinitionId": .definition("processDefinitionId"),
            "processDefinitionVersion": .definition("version"),
            "processName": .definition("name"),
            "processDefinitionKey": .instance("processDefinitionKey"),
            "rootProcessInstanceKey": .instance("rootProcessInstanceKey"),
            "creationDate": .own("creationDate", followsKey: true),
            "formKey": .constant("NULL"),
            "tags": .instance("tags"),
            "businessId": .instance("businessId"),
        ]
    )
}
