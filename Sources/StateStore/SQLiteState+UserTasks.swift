package import ProcessEngine
import SQLite

/// User tasks and incidents: what people work on.
struct UserTaskStatements {
    static let table = RecordTable(
        name: "user_task",
        columns: [
            "userTaskKey", "processInstanceKey", "elementInstanceKey", "elementId", "name", "state", "assignee",
            "candidateUsers", "candidateGroups", "dueDate", "followUpDate", "priority", "externalFormReference",
            "customHeaders", "creationDate", "completionDate", "tenantId",
        ],
        bytesAsText: ["customHeaders"]
    )

    let insert: Statement
    let byKey: Statement
    let update: Statement

    init(_ database: Database) throws {
        let table = UserTaskStatements.table
        insert = try database.prepare(table.insert)
        byKey = try database.prepare(table.selectByKey)
        update = try database.prepare(
            table.update(table.columns.filter { $0 != "userTaskKey" && $0 != "processInstanceKey" })
        )
    }
}

/// Incidents.
struct IncidentStatements {
    static let table = RecordTable(
        name: "incident",
        columns: [
            "incidentKey", "errorType", "errorMessage", "state", "creationTime", "elementId", "elementInstanceKey",
            "processInstanceKey", "jobKey", "tenantId",
        ]
    )

    let insert: Statement
    let byKey: Statement
    let resolve: Statement

    init(_ database: Database) throws {
        insert = try database.prepare(IncidentStatements.table.insert)
        byKey = try database.prepare(IncidentStatements.table.selectByKey)
        resolve = try database.prepare("UPDATE incident SET state = 1 WHERE incidentKey = ?")
    }
}

extension SQLiteState {
    package func userTask(_ key: Key) throws -> UserTaskRecord? {
        var parameters = ParameterWriter(userTasks.byKey)
        try parameters.write(key)
        return try parameters.first { try UserTaskRecord(row: &$0) }
    }

    package func insert(_ record: UserTaskRecord) throws {
        var parameters = ParameterWriter(userTasks.insert)
        try parameters.write(record.key)
        try parameters.write(record.processInstanceKey)
        try write(record, to: &parameters)
        try parameters.run()
    }

    /// Replaces all but the key and the process instance, which never change.
    package func update(_ record: UserTaskRecord) throws {
        var parameters = ParameterWriter(userTasks.update)
        try write(record, to: &parameters)
        try parameters.write(record.key)
        try parameters.run()
    }

    /// Everything from the element instance on.
    private func write(_ record: UserTaskRecord, to parameters: inout ParameterWriter) throws {
        try parameters.write(record.elementInstanceKey)
        try parameters.write(record.elementID)
        try parameters.write(record.name)
        try parameters.write(record.state)
        try parameters.write(record.assignee)
        try parameters.write(record.candidateUsers)
        try parameters.write(record.candidateGroups)
        try parameters.write(record.dueDate)
        try parameters.write(record.followUpDate)
        try parameters.write(record.priority)
        try parameters.write(record.externalFormReference)
        try parameters.write(record.headers)
        try parameters.write(record.createdAt)
        try parameters.write(record.completedAt)
        try parameters.write(record.tenantID)
    }

    package func incident(_ key: Key) throws -> IncidentRecord? {
        var parameters = ParameterWriter(incidents.byKey)
        try parameters.write(key)
        return try parameters.first { try IncidentRecord(row: &$0) }
    }

    package func insert(_ record: IncidentRecord) throws {
        var parameters = ParameterWriter(incidents.insert)
        try parameters.write(record.key)
        try parameters.write(record.type.rawValue)
        try parameters.write(record.message)
        try parameters.write(record.isResolved)
        try parameters.write(record.createdAt)
        try parameters.write(record.elementID)
        try parameters.write(record.elementInstanceKey)
        try parameters.write(record.processInstanceKey)
        try parameters.write(record.jobKey)
        try parameters.write(record.tenantID)
        try parameters.run()
    }

    package func resolveIncident(_ key: Key) throws { try run(incidents.resolve, key) }
}

extension UserTaskRecord {
    fileprivate init(row: inout RowReader) throws {
        self.init(
            key: row.key(),
            processInstanceKey: row.key(),
            elementInstanceKey: row.key(),
            elementID: row.text(),
            name: row.optionalText(),
            state: try row.enumeration(UserTaskState.self),
            assignee: row.optionalText(),
            candidateUsers: try row.texts(),
            candidateGroups: try row.texts(),
            dueDate: row.optionalInt64(),
            followUpDate: row.optionalInt64(),
            priority: try row.int32(),
            externalFormReference: row.optionalText(),
            headers: row.bytes(),
            createdAt: row.int64(),
            completedAt: row.optionalInt64(),
            tenantID: row.text()
        )
    }
}

extension IncidentRecord {
    fileprivate init(row: inout RowReader) throws {
        let key = row.key()
        let name = row.text()
        guard let type = IncidentType(rawValue: name) else { throw row.invalid("an incident type", name) }
        self.init(
            key: key,
            type: type,
            message: row.text(),
            isResolved: row.bool(),
            createdAt: row.int64(),
            elementID: row.text(),
            elementInstanceKey: row.key(),
            processInstanceKey: row.key(),
            jobKey: row.optionalKey(),
            tenantID: row.text()
        )
    }
}
