import ProcessEngine
import SQLite

/// How far the state is, and the two parts of its digest.
struct PositionStatements {
    private let update: Statement
    private let updateProperty: Statement

    init(_ database: Database) throws {
        update = try database.prepare(
            """
            UPDATE engine_position SET appliedIndex = ?, appliedTerm = ?, time = ?, keyCounter = ?,
            digestRowsFirst = ?, digestRowsSecond = ?, digestArchivedFirst = ?, digestArchivedSecond = ? WHERE id = 1
            """
        )
        updateProperty = try database.prepare(
            "UPDATE store_property SET value = ? WHERE name = 'durableAppliedIndex'"
        )
    }

    /// - Throws: `StateStoreError` if there is none.
    static func load(_ database: Database) throws -> (StatePosition, ContentTracker.Content) {
        let read = try database.prepare(
            """
            SELECT appliedIndex, appliedTerm, time, keyCounter, digestRowsFirst, digestRowsSecond,
            digestArchivedFirst, digestArchivedSecond FROM engine_position WHERE id = 1
            """
        )
        let found = try ParameterWriter(read).first { row in
            let position = StatePosition(
                appliedIndex: UInt64(bitPattern: row.int64()),
                appliedTerm: UInt64(bitPattern: row.int64()),
                time: row.int64(),
                keyCounter: row.int64()
            )
            return (position, ContentTracker.Content(rows: row.contentHash(), movedOut: row.contentHash()))
        }
        guard let found else { throw missing }
        return found
    }

    /// The applied index that a power cut cannot take away.
    static func loadDurable(_ database: Database) throws -> UInt64 {
        guard let value = try database.int64("SELECT value FROM store_property WHERE name = 'durableAppliedIndex'")
        else { throw missing }
        return UInt64(bitPattern: value)
    }

    private static var missing: StateStoreError {
        StateStoreError(.invalidRow, "Expected the position of the state, but got no row")
    }

    func store(_ position: StatePosition, _ content: ContentTracker.Content) throws {
        var parameters = ParameterWriter(update)
        try parameters.write(Int64(bitPattern: position.appliedIndex))
        try parameters.write(Int64(bitPattern: position.appliedTerm))
        try parameters.write(position.time)
        try parameters.write(position.keyCounter)
        for hash in [content.rows, content.movedOut] {
            try parameters.write(Int64(bitPattern: hash.first))
            try parameters.write(Int64(bitPattern: hash.second))
        }
        try parameters.run()
    }

    func storeDurable(_ appliedIndex: UInt64) throws {
        var parameters = ParameterWriter(updateProperty)
        try parameters.write(Int64(bitPattern: appliedIndex))
        try parameters.run()
    }
}

extension RowReader {
    fileprivate mutating func contentHash() -> ContentHash {
        ContentHash(first: UInt64(bitPattern: int64()), second: UInt64(bitPattern: int64()))
    }
}

/// The members of the group.
struct MembershipStatements {
    private let insert: Statement
    private let remove: Statement

    init(_ database: Database) throws {
        insert = try database.prepare(
            "INSERT INTO membership(id, content) VALUES(1, ?) ON CONFLICT(id) DO UPDATE SET content = excluded.content"
        )
        remove = try database.prepare("DELETE FROM membership WHERE id = 1")
    }

    static func load(_ database: Database) throws -> [UInt8] {
        try ParameterWriter(database.prepare("SELECT content FROM membership WHERE id = 1")).first { $0.bytes() } ?? []
    }

    /// No members are no row, so that equal states have equal rows.
    func store(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return try remove.run() }
        var parameters = ParameterWriter(insert)
        try parameters.write(bytes)
        try parameters.run()
    }
}
