/// How the rows of a table are hashed: what is known of the table.
package struct RowLayout: Sendable {
    /// Part of every row's hash, for ever.
    package let number: UInt64
    /// The names of the columns, in their order.
    let columns: [String]
    /// The column that is the row id, `INTEGER PRIMARY KEY`. Nil where a row is known by its values alone.
    let keyColumn: Int32?

    /// The layouts of a database's tables by name, for those in `numbers`.
    package static func read(
        _ database: Database,
        numbers: [(name: String, number: UInt64)]
    ) throws -> [String: RowLayout] {
        let statement = try database.prepare(
            """
            SELECT "table".name, "table".wr, "column".name, "column".pk, "column".type
            FROM pragma_table_list AS "table" JOIN pragma_table_info("table".name) AS "column"
            WHERE "table".schema = 'main' AND "table".type = 'table' ORDER BY "table".name, "column".cid
            """
        )
        var columns: [String: [String]] = [:]
        var keys: [String: [Int32]] = [:]
        var withoutRowID: Set<String> = []
        while try statement.step() {
            let table = statement.text(0)
            let position = Int32(columns[table]?.count ?? 0)
            columns[table, default: []].append(statement.text(2))
            if statement.int64(1) != 0 { withoutRowID.insert(table) }
            guard statement.int64(3) > 0 else { continue }
            if statement.text(4) != "INTEGER" { withoutRowID.insert(table) }
            keys[table, default: []].append(position)
        }
        var layouts: [String: RowLayout] = [:]
        for (name, number) in numbers {
            let key = keys[name] ?? []
            let isKeyed = key.count == 1 && !withoutRowID.contains(name)
            layouts[name] = RowLayout(
                number: number,
                columns: columns[name] ?? [],
                keyColumn: isKeyed ? key.first : nil
            )
        }
        return layouts
    }
}
