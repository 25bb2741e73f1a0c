package import ProcessEngine
import SQLite

/// Variables. Their scope is always named together with its process instance, which leads the index: the variables of
/// an instance stand side by side.
struct VariableStatements {
    static let table = RecordTable(
        name: "variable",
        columns: ["variableKey", "scopeKey", "processInstanceKey", "name", "value"],
        bytesAsText: ["value"]
    )

    let insert: Statement
    let byName: Statement
    let ofScope: Statement
    let setValue: Statement

    init(_ database: Database) throws {
        let table = VariableStatements.table
        let ofScopeOnly = "WHERE processInstanceKey = ? AND scopeKey = ?"
        insert = try database.prepare(table.insert)
        byName = try database.prepare(table.select("\(ofScopeOnly) AND name = ?"))
        ofScope = try database.prepare(table.select("\(ofScopeOnly) ORDER BY name"))
        setValue = try database.prepare("UPDATE variable SET value = CAST(?2 AS TEXT) WHERE variableKey = ?1")
    }
}

extension SQLiteState {
    package func variable(_ name: String, scope: Key, processInstance: Key) throws -> VariableRecord? {
        var parameters = ParameterWriter(variableTable.byName)
        try parameters.write(processInstance)
        try parameters.write(scope)
        try parameters.write(name)
        return try parameters.first { VariableRecord(row: &$0) }
    }

    /// By name: in the order of the names' UTF-8 bytes.
    package func variables(scope: Key, processInstance: Key) throws -> [VariableRecord] {
        var parameters = ParameterWriter(variableTable.ofScope)
        try parameters.write(processInstance)
        try parameters.write(scope)
        return try parameters.rows { VariableRecord(row: &$0) }
    }

    package func insert(_ record: VariableRecord) throws {
        var parameters = ParameterWriter(variableTable.insert)
        try parameters.write(record.key)
        try parameters.write(record.scopeKey)
        try parameters.write(record.processInstanceKey)
        try parameters.write(record.name)
        try parameters.run(borrowing: record.value)
    }

    package func setVariable(_ key: Key, value: [UInt8]) throws {
        var parameters = ParameterWriter(variableTable.setValue)
        try parameters.write(key)
        try parameters.run(borrowing: value)
    }
}

extension VariableRecord {
    fileprivate init(row: inout RowReader) {
        self.init(
            key: row.key(),
            scopeKey: row.key(),
            processInstanceKey: row.key(),
            name: row.text(),
            value: row.bytes()
        )
    }
}
