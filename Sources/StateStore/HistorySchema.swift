import SQLite

/// The tables of a partition of the history: those of the state that views are made of, exactly as they are there, the
/// event stream, and what the partition knows about itself.
enum HistorySchema {
    /// The file format's mark (`PRAGMA application_id`): "ThHi". The level (`PRAGMA user_version`) is the state's.
    static let applicationID: Int64 = 0x5468_4869

    /// Tables with rows of instances, found by `processInstanceKey`.
    static let instanceTables = [
        "process_instance", "element_instance", "variable", "job", "user_task", "incident",
    ]

    /// What searches and joins need. The state's other indexes serve its engine.
    private static let indexes = [
        "process_definition_version", "process_instance_definition", "process_instance_parent",
        "process_instance_root", "process_instance_business", "element_instance_process", "variable_name",
        "job_process", "user_task_process", "incident_process",
    ]

    private static let ownTables = [
        """
        CREATE TABLE entry(
            logIndex INTEGER PRIMARY KEY,
            term INTEGER NOT NULL,
            time INTEGER NOT NULL,
            payload BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE meta(
            name TEXT PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ]

    /// What a partition knows about itself.
    enum Property: String {
        case group
        /// First millisecond of the partition.
        case start
        /// First millisecond after the partition.
        case end
        /// Index of the last entry of the event stream, in this partition or before.
        case appliedIndex
        /// Applied index of the live state when instances were last copied, to this partition or before.
        case stateIndex
    }

    /// Everything a new partition needs, in order.
    static var statements: [String] {
        let names = ["process_definition"] + self.instanceTables + self.indexes
        let copied = Schema.statements.filter { statement in
            self.createdName(statement).map { names.contains($0) } ?? false
        }
        precondition(copied.count == names.count, "Expected \(names.count) statements, but got \(copied.count)")
        return copied + self.ownTables
    }

    /// The name of the table or index that a statement makes.
    private static func createdName(_ statement: String) -> String? {
        let words = statement.split { " \n(".contains($0) }
        guard words.first == "CREATE", let kind = words.firstIndex(where: { $0 == "TABLE" || $0 == "INDEX" }),
            words.indices.contains(kind + 1)
        else { return nil }
        return String(words[kind + 1])
    }

    /// A connection that only reads.
    static func openReader(_ path: String, vfs: String?) throws -> Database {
        let database = try Database(
            path: path,
            options: DatabaseOptions(access: .readOnly, cacheBytes: 1 << 20, vfs: vfs)
        )
        try database.execute("PRAGMA query_only=ON; PRAGMA trusted_schema=OFF")
        return database
    }

    /// - Throws: `StateStoreError` for the database of another version or program.
    static func check(_ database: Database) throws {
        let application = try database.int64("PRAGMA application_id") ?? 0
        guard application == self.applicationID else {
            throw StateStoreError(
                .foreignDatabase,
                "Expected a partition of the history at '\(database.path)', but got a database of another program "
                    + "(\(application))"
            )
        }
        let level = try database.userVersion()
        guard level <= Schema.level else {
            throw StateStoreError(
                .newerSchema,
                "Expected a partition of schema level \(Schema.level) or older at '\(database.path)', but got level "
                    + "\(level)"
            )
        }
    }

    static func value(_ property: Property, in database: Database) throws -> Int64 {
        guard let value = try database.int64("SELECT value FROM meta WHERE name = '\(property.rawValue)'") else {
            throw StateStoreError(
                .invalidRow,
                "Expected the property \(property.rawValue) in '\(database.path)', but got none"
            )
        }
        return value
    }

    static func set(_ property: Property, _ value: Int64, in database: Database) throws {
        try database.execute("INSERT OR REPLACE INTO main.meta VALUES('\(property.rawValue)', \(value))")
    }
}
