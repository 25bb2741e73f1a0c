import RaftCore
import StateStore

/// Why a node cannot go on, in words for the operator.
struct NodeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A snapshot whose files are in place, but not in use yet.
struct InstalledSnapshot {
    var generation: UInt64
}

/// Brings received snapshots into use. All calls come from the group's thread.
protocol SnapshotInstalling: Sendable {
    /// Puts the files in place as a new generation, durably.
    func prepare(_ snapshot: Snapshot, group: UInt32) throws -> InstalledSnapshot
    /// Opens the generation.
    func open(_ installed: InstalledSnapshot, group: UInt32) throws -> SQLiteState
    /// The log names the generation now: readers change over, what is older goes.
    func finish(_ installed: InstalledSnapshot, group: UInt32) throws
    /// When a follower last asked for a part of this group's snapshot, by the node's clock; nil before the first.
    func lastUse(group: UInt32) -> Int64?
}
