import CSQLite

/// Which columns statements set, for one connection: what SQLite says while it compiles a statement is kept by the
/// statement and shown to the hook while it runs. Column n is bit n.
struct ColumnMarks {
    /// Any column may be set.
    static let all = UInt64.max

    /// Of the statement that runs.
    var running = ColumnMarks.all
    /// Of the statement that is being compiled.
    private var compiling: UInt64 = 0
    private var compilingTable: UnsafePointer<RowCounter.Table>?
    /// Whether SQLite says anything.
    var isActive = false

    mutating func beginCompiling() {
        self.compiling = 0
        self.compilingTable = nil
    }

    /// The columns of the statement that was compiled.
    var compiled: UInt64 { self.isActive && self.compiling != 0 ? self.compiling : ColumnMarks.all }

    /// SQLite tells of each column that the statement sets.
    mutating func note(_ table: UnsafePointer<RowCounter.Table>, _ column: UnsafePointer<CChar>) {
        let position = table.pointee.columns.firstIndex { sqlite3_stricmp($0, column) == 0 }
        guard let position, position < 63, self.compilingTable == nil || self.compilingTable == table else {
            self.compiling = ColumnMarks.all
            return
        }
        self.compilingTable = table
        self.compiling |= 1 << UInt64(position)
    }
}
