package import ProcessEngine
import SQLite

/// Timers.
struct TimerStatements {
    static let table = RecordTable(
        name: "timer",
        columns: [
            "timerKey", "dueAt", "processInstanceKey", "elementInstanceKey", "processDefinitionKey", "elementId",
            "repetitions", "cycle", "tenantId",
        ]
    )

    let insert: Statement
    let remove: Statement
    let byKey: Statement
    let ofElement: Statement
    let ofStart: Statement

    init(_ database: Database) throws {
        let table = TimerStatements.table
        insert = try database.prepare(table.insert)
        remove = try database.prepare(table.deleteByKey)
        byKey = try database.prepare(table.selectByKey)
        ofElement = try database.prepare(table.select("WHERE elementInstanceKey = ? ORDER BY timerKey"))
        ofStart = try database.prepare(
            table.select("WHERE processDefinitionKey = ? AND elementInstanceKey IS NULL ORDER BY timerKey")
        )
    }
}

extension SQLiteState {
    package func timer(_ key: Key) throws -> TimerRecord? {
        var parameters = ParameterWriter(timers.byKey)
        try parameters.write(key)
        return try parameters.first { TimerRecord(row: &$0) }
    }

    package func timers(elementInstance: Key) throws -> [TimerRecord] {
        var parameters = ParameterWriter(timers.ofElement)
        try parameters.write(elementInstance)
        return try parameters.rows { TimerRecord(row: &$0) }
    }

    package func startTimers(definitionKey: Key) throws -> [TimerRecord] {
        var parameters = ParameterWriter(timers.ofStart)
        try parameters.write(definitionKey)
        return try parameters.rows { TimerRecord(row: &$0) }
    }

    package func insert(_ record: TimerRecord) throws {
        var parameters = ParameterWriter(timers.insert)
        try parameters.write(record.key)
        try parameters.write(record.dueAt)
        try parameters.write(record.processInstanceKey)
        try parameters.write(record.elementInstanceKey)
        try parameters.write(record.definitionKey)
        try parameters.write(record.elementID)
        try parameters.write(record.repetitions)
        try parameters.write(record.cycle)
        try parameters.write(record.tenantID)
        try parameters.run()
    }

    package func removeTimer(_ key: Key) throws { try run(timers.remove, key) }
}

extension TimerRecord {
    fileprivate init(row: inout RowReader) {
        self.init(
            key: row.key(),
            dueAt: row.int64(),
            processInstanceKey: row.optionalKey(),
            elementInstanceKey: row.optionalKey(),
            definitionKey: row.key(),
            elementID: row.text(),
            repetitions: row.int64(),
            cycle: row.optionalText(),
            tenantID: row.text()
        )
    }
}
