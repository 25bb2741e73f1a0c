package import ProcessEngine
import SQLite

/// Process instances.
struct InstanceStatements {
    static let table = RecordTable(
        name: "process_instance",
        columns: [
            "processInstanceKey", "processDefinitionKey", "parentProcessInstanceKey", "parentElementInstanceKey",
            "rootProcessInstanceKey", "state", "startDate", "endDate", "tenantId", "tags", "businessId",
            "startCorrelationKey", "depth", "awaitingRequest", "awaitedVariables",
        ]
    )

    let insert: Statement
    let byKey: Statement
    let hasStarted: Statement
    let end: Statement
    let noteFinished: Statement

    init(_ database: Database) throws {
        insert = try database.prepare(InstanceStatements.table.insert)
        byKey = try database.prepare(InstanceStatements.table.selectByKey)
        // The order of the join is fixed: few instances share a correlation key.
        hasStarted = try database.prepare(
            """
            SELECT 1 FROM process_instance AS instance CROSS JOIN process_definition AS definition
            ON definition.processDefinitionKey = instance.processDefinitionKey
            WHERE instance.startCorrelationKey = ? AND instance.state = 0 AND instance.tenantId = ?
            AND definition.processDefinitionId = ?
            LIMIT 1
            """
        )
        end = try database.prepare(InstanceStatements.table.update(["state", "endDate"]))
        // An instance waits for its root: a root that is gone was moved before. With a root go those below it.
        noteFinished = try database.prepare(
            """
            INSERT OR IGNORE INTO finished_instance(processInstanceKey)
            SELECT processInstanceKey FROM process_instance AS instance
            WHERE processInstanceKey = ?1 AND state <> 0 AND (rootProcessInstanceKey = ?1 OR NOT EXISTS(
                SELECT 1 FROM process_instance AS root
                WHERE root.processInstanceKey = instance.rootProcessInstanceKey AND root.state = 0
            ))
            UNION ALL SELECT processInstanceKey FROM process_instance
            WHERE rootProcessInstanceKey = ?1 AND parentProcessInstanceKey IS NOT NULL AND state <> 0
            """
        )
    }
}

extension SQLiteState {
    package func processInstance(_ key: Key) throws -> ProcessInstanceRecord? {
        var parameters = ParameterWriter(instances.byKey)
        try parameters.write(key)
        return try parameters.first { try ProcessInstanceRecord(row: &$0) }
    }

    package func hasActiveInstance(processID: String, tenantID: String, startCorrelationKey: String) throws -> Bool {
        var parameters = ParameterWriter(instances.hasStarted)
        try parameters.write(startCorrelationKey)
        try parameters.write(tenantID)
        try parameters.write(processID)
        return try parameters.first { _ in true } ?? false
    }

    package func insert(_ record: ProcessInstanceRecord) throws {
        var parameters = ParameterWriter(instances.insert)
        try parameters.write(record.key)
        try parameters.write(record.definitionKey)
        try parameters.write(record.parentInstanceKey)
        try parameters.write(record.parentElementInstanceKey)
        try parameters.write(record.rootInstanceKey)
        try parameters.write(record.state)
        try parameters.write(record.startedAt)
        try parameters.write(record.endedAt)
        try parameters.write(record.tenantID)
        try parameters.write(record.tags)
        try parameters.write(record.businessID)
        try parameters.write(record.startCorrelationKey)
        try parameters.write(record.depth)
        try parameters.write(record.awaitingRequest?.text)
        try parameters.write(record.awaitedVariables)
        try parameters.run()
    }

    /// Ends an instance. Once its root has ended too, `finishedInstances` lists it.
    package func endProcessInstance(_ key: Key, state: InstanceState, at time: Int64) throws {
        var parameters = ParameterWriter(instances.end)
        try parameters.write(state)
        try parameters.write(time)
        try parameters.write(key)
        try parameters.run()
        try run(instances.noteFinished, key)
    }
}

extension ProcessInstanceRecord {
    fileprivate init(row: inout RowReader) throws {
        self.init(
            key: row.key(),
            definitionKey: row.key(),
            parentInstanceKey: row.optionalKey(),
            parentElementInstanceKey: row.optionalKey(),
            rootInstanceKey: row.key(),
            state: try row.enumeration(InstanceState.self),
            startedAt: row.int64(),
            endedAt: row.optionalInt64(),
            tenantID: row.text(),
            tags: try row.texts(),
            businessID: row.optionalText(),
            startCorrelationKey: row.optionalText(),
            depth: try row.int32(),
            awaitingRequest: row.optionalText().map { RequestID($0) },
            awaitedVariables: try row.texts()
        )
    }
}
