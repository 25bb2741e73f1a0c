import ProcessEngine
package import SQLite

extension SQLiteError: StorageFailure {
    /// SQLite undoes what a statement did that met a full disk; the transaction is rolled back by its owner.
    package var isOutOfSpace: Bool { isDiskFull }
}
