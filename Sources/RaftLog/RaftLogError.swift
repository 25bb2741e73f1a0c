package import RaftCore
import SQLite

/// Why the log refused or failed. Names group and index wherever there are any.
package struct RaftLogError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// There is no such group in this log.
        case unknownGroup
        /// The group to be made is there already.
        case groupExists
        /// The caller speaks of another life of the group than the log.
        case wrongIncarnation
        /// Our own bug: a write that no correct core makes (a gap, a term that goes back, a second vote).
        case invalidWrite
        /// The write would overwrite what is known to be committed.
        case belowCommitted
        /// The entry asked for is in the snapshot already.
        case compacted
        /// The entry asked for is not there yet.
        case unavailable
        /// What is on disk is not what was written. The replica must not go on with it.
        case corrupted
        /// No space left; nothing of the write is kept, and it may be tried again.
        case diskFull
        /// Too much is waiting to be written; nothing of the write is kept, and it may be tried again.
        case overloaded
        /// The disk failed, now or earlier. What is durable is unknown: the process must exit and start anew.
        case failed
        /// The log was written by a newer release.
        case newerVersion
        /// The log belongs to another node or another data directory.
        case foreignIdentity
        /// Another process has the log open.
        case locked
        /// The log has been closed.
        case closed
    }

    package var code: Code
    package var group: GroupID?
    package var index: LogIndex?
    package var message: String

    package init(_ code: Code, group: GroupID? = nil, index: LogIndex? = nil, _ message: String) {
        self.code = code
        self.group = group
        self.index = index
        self.message = message
    }

    package var description: String {
        var place = ""
        if let group = self.group { place += "group \(group)" }
        if let index = self.index { place += place.isEmpty ? "index \(index)" : ", index \(index)" }
        return place.isEmpty ? self.message : "\(place): \(self.message)"
    }

    /// Sorts a failure of the database. A failed sync is always `.failed`, whatever its cause.
    init(_ error: SQLiteError, group: GroupID? = nil, index: LogIndex? = nil) {
        let code: Code =
            if error.isDiskFull { .diskFull } else if error.isCorrupt { .corrupted } else if error.isBusy {
                .locked
            } else { .failed }
        self.init(code, group: group, index: index, "Expected the log's file to be usable, but got \(error)")
    }

    /// Any error that the log's own code can meet.
    init(wrapping error: any Error, group: GroupID? = nil, index: LogIndex? = nil) {
        switch error {
        case let error as RaftLogError: self = error
        case let error as SQLiteError: self.init(error, group: group, index: index)
        default: self.init(.failed, group: group, index: index, "Expected no other error, but got \(error)")
        }
    }
}
