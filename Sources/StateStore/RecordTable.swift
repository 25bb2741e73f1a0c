/// The statements that follow from a table's columns. Records are written and read in the order of the columns.
struct RecordTable {
    let name: String
    let columns: [String]
    /// Columns that hold text which the engine keeps as bytes. They are bound as bytes and stored as text; the
    /// conversion is a change of type within SQLite and copies nothing.
    var bytesAsText: [String] = []

    var columnList: String { columns.joined(separator: ", ") }

    var insert: String {
        let values = columns.map { placeholder($0) }.joined(separator: ", ")
        return "INSERT INTO \(name)(\(columnList)) VALUES(\(values))"
    }

    /// Sets some columns of the row whose key, the first column, is the last parameter.
    func update(_ changed: [String]) -> String {
        let assignments = changed.map { "\($0) = \(placeholder($0))" }.joined(separator: ", ")
        return "UPDATE \(name) SET \(assignments) WHERE \(columns[0]) = ?"
    }

    func select(_ rest: String) -> String { "SELECT \(columnList) FROM \(name) \(rest)" }

    var selectByKey: String { select("WHERE \(columns[0]) = ?") }
    var deleteByKey: String { "DELETE FROM \(name) WHERE \(columns[0]) = ?" }

    private func placeholder(_ column: String) -> String {
        bytesAsText.contains(column) ? "CAST(? AS TEXT)" : "?"
    }
}
