import RaftCore
import Synchronization

/// What the leaders of a group have let this node know lately: how far the group is, and that they live. A follower
/// sees from it how far it is behind.
final class LeaderSigns: Sendable {
    struct Seen: Hashable, Sendable {
        /// The highest index that any leader said to be committed. Heartbeats only name what this node has anyway;
        /// entries, snapshots and the answers to reads name all.
        var committed: UInt64 = 0
        /// When a leader was last heard, by the node's clock; nil before the first.
        var heardAt: Int64?
        fileprivate var term: UInt64 = 0
    }

    private let state = Mutex(Seen())

    var seen: Seen { state.withLock { $0 } }

    /// Looks at a message from another node of the group.
    func note(_ message: RaftMessage, at now: Int64) {
        switch message.body {
        case .appendRequest(let request): heard(request.commit, message.term, now)
        case .heartbeat(let heartbeat): heard(heartbeat.commit, message.term, now)
        case .snapshot(let snapshot): heard(snapshot.metadata.index, message.term, now)
        case .readIndexResponse(_, let index):
            guard let index else { return }
            state.withLock { $0.committed = max($0.committed, index.rawValue) }
        default: return
        }
    }

    private func heard(_ committed: LogIndex, _ term: Term, _ now: Int64) {
        state.withLock { seen in
            // Whoever leads an earlier term leads no more, though what it said to be committed is.
            if term.rawValue >= seen.term { seen.heardAt = now }
            seen.term = max(seen.term, term.rawValue)
            seen.committed = max(seen.committed, committed.rawValue)
        }
    }
}

/// How far a replica is behind its leader, as it knows itself.
struct ReplicaLag: Hashable, Sendable {
    /// More than this is no ordinary moment.
    static let entryLimit: UInt64 = 1_000
    /// Heartbeats come ten times a second; so long a silence is no ordinary one, in milliseconds.
    static let silenceLimit: Int64 = 2_000

    /// Committed entries that are not in the state yet.
    var entries: UInt64
    var applied: UInt64
    var committed: UInt64
    /// For how long no leader was heard, in milliseconds; nil for a leader, and before the first was.
    var silence: Int64?
    var leader: UInt64?

    init(_ snapshot: GroupRunner.Snapshot, _ seen: LeaderSigns.Seen, now: Int64) {
        applied = snapshot.appliedIndex
        committed = snapshot.isLeader ? snapshot.commitIndex : max(snapshot.commitIndex, seen.committed)
        entries = snapshot.isLeader || committed < applied ? 0 : committed - applied
        silence = snapshot.isLeader ? nil : seen.heardAt.map { max(0, now - $0) }
        leader = snapshot.leader?.rawValue
    }

    /// That, and why, a read on this node has to wait; nil if it is no longer behind than others for a moment.
    func reason(node: UInt64, group: UInt32) -> String? {
        guard entries > 0 else { return nil }
        let who = leader.map { "node \($0), which leads" } ?? "the leader of that moment"
        return "node \(node) is behind by \(entries) entries: its state of group \(group) ends at \(applied), while "
            + "\(who), is at \(committed) or later"
    }
}
