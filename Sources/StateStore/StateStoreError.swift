/// Why a state database was not opened, or what is wrong with what it holds. Failures of SQLite itself are thrown as
/// `SQLiteError`, untouched.
package struct StateStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// Written by a newer version than this one.
        case newerSchema
        /// Written by a version that this one can no longer read.
        case olderSchema
        /// A database, but not one of ours.
        case foreignDatabase
        /// A stored value that no version writes.
        case invalidRow
        /// A state that must be there is not.
        case missing
        /// A snapshot that is not what its manifest says, or not what is wanted.
        case invalidSnapshot
        /// More than a state keeps.
        case tooLarge
        /// A database in memory has no second connection.
        case noFile
    }

    package let code: Code
    /// "Expected X, but got Y", with the path or the column.
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
