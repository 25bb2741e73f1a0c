import Logging
import RaftCore
import ReplicaCore
import StateStore
import Synchronization

/// Fetches the snapshots that leaders offer to this node, and gives each to its replica once it is here.
///
/// What a snapshot holds is committed, so it stays true when the leader changes while it is fetched; only the message
/// that offered it is worth nothing then. A snapshot that is here is therefore given to the replica in the name of the
/// next leader that offers one, if it is ahead of what the replica has.
final class SnapshotReceiver: Sendable {
    /// Downloads a file from an offset on.
    typealias Download =
        @Sendable (
            _ file: String, _ snapshot: String, _ node: NodeID, _ offset: UInt64,
            _ onPiece: @escaping @Sendable ([UInt8]) throws -> Void
        ) async throws -> Void

    private enum Stage: Equatable {
        /// Next: failed, complete, posted; or fetching what another leader offers.
        case fetching
        /// What has arrived is kept for the next offer. Next: fetching.
        case failed
        /// All is here; its leader leads no more. Next: posted, fetching.
        case complete
        /// The replica was told, at this turn of its thread, in the name of a leader of this term. Next: installing,
        /// posted, complete.
        case posted(turn: UInt64, term: Term)
        case installing
        /// It is not needed any more, and its files are being removed.
        case leaving
    }

    private struct Incoming {
        var offer: SnapshotOffer
        var snapshot: Snapshot
        /// Who sends the files.
        var source: NodeID
        /// The last offer of the latest leader that made one; nothing but its sender may be of use.
        var newest: RaftMessage
        var stage = Stage.fetching
    }

    private struct State {
        var incoming: [UInt32: Incoming] = [:]
        var turns: [UInt32: UInt64] = [:]
        var folders: [UInt32: IncomingFolder] = [:]
    }

    private static let attempts = 5
    /// After so many turns of its thread a replica has surely looked at what it was given before the first.
    private static let settlingTurns: UInt64 = 3

    private let state = Mutex(State())
    private let clock: NodeClock
    private let logger: Logger
    private let download: Download
    /// Tells a leader that it need not wait for what it has offered.
    private let decline: @Sendable (_ group: UInt32, _ leader: NodeID) async -> Void

    init(
        clock: NodeClock,
        logger: Logger,
        download: @escaping Download,
        decline: @escaping @Sendable (_ group: UInt32, _ leader: NodeID) async -> Void
    ) {
        self.clock = clock
        self.logger = logger
        self.download = download
        self.decline = decline
    }

    // MARK: Offers

    /// A leader offers a snapshot.
    ///
    /// - Parameter folder: where the group's files arrive.
    func offered(_ message: RaftMessage, to runner: GroupRunner, in folder: String) {
        guard case .snapshot(let snapshot) = message.body else { return }
        let offer: SnapshotOffer
        do {
            offer = try SnapshotOffer(decoding: snapshot.data)
        } catch {
            logger.error("refused a snapshot that cannot be read", metadata: ["error": "\(error)"])
            return
        }
        let fresh = Incoming(offer: offer, snapshot: snapshot, source: message.from, newest: message)
        let committed = LogIndex(runner.snapshot.withLock { $0.commitIndex })
        let group = runner.group
        let (mustFetch, ready) = state.withLock { state -> (Bool, RaftMessage?) in
            guard var incoming = state.incoming[group] else {
                state.incoming[group] = fresh
                if state.folders[group] == nil { state.folders[group] = IncomingFolder(path: folder) }
                return (true, nil)
            }
            guard message.term >= incoming.newest.term else { return (false, nil) }
            incoming.newest = message
            defer { state.incoming[group] = incoming }
            switch incoming.stage {
            case .fetching, .posted, .installing, .leaving: return (false, nil)
            case .complete where incoming.snapshot.metadata.index > committed:
                return (false, SnapshotReceiver.post(&incoming, turn: state.turns[group] ?? 0))
            case .failed, .complete:
                incoming = fresh
                return (true, nil)
            }
        }
        if let ready { runner.post(.received(ready)) }
        if mustFetch { Task { [self] in await fetch(for: runner) } }
    }

    private static func post(_ incoming: inout Incoming, turn: UInt64) -> RaftMessage {
        incoming.stage = .posted(turn: turn, term: incoming.newest.term)
        var message = incoming.newest
        message.body = .snapshot(incoming.snapshot)
        return message
    }

    /// Called with every turn of the group's thread.
    func turned(_ runner: GroupRunner) {
        let group = runner.group
        let (ready, leaving) = state.withLock { state -> (RaftMessage?, IncomingFolder?) in
            guard var incoming = state.incoming[group] else { return (nil, nil) }
            let turn = (state.turns[group] ?? 0) + 1
            state.turns[group] = turn
            switch incoming.stage {
            case .fetching, .installing, .leaving: return (nil, nil)
            case .posted(let since, _) where turn - since < SnapshotReceiver.settlingTurns: return (nil, nil)
            case .posted, .failed, .complete: break
            }
            defer { state.incoming[group] = incoming }
            // The replica has got there by itself, or has taken no notice.
            if incoming.snapshot.metadata.index.rawValue <= runner.snapshot.withLock({ $0.commitIndex }) {
                incoming.stage = .leaving
                return (nil, state.folders[group])
            }
            guard case .posted(_, let term) = incoming.stage else { return (nil, nil) }
            incoming.stage = .complete
            guard incoming.newest.term > term else { return (nil, nil) }
            return (SnapshotReceiver.post(&incoming, turn: turn), nil)
        }
        if let ready { runner.post(.received(ready)) }
        guard let leaving else { return }
        startThread("snapshot-clean") { [self] in
            leaving.removeAll()
            state.withLock { $0.incoming[group] = nil }
        }
    }

    // MARK: Fetching

    private func fetch(for runner: GroupRunner) async {
        let group = runner.group
        let started = clock.now
        while let (incoming, folder) = state.withLock({ state in
            state.incoming[group].flatMap { incoming in state.folders[group].map { (incoming, $0) } }
        }) {
            do {
                let kept = try await fetch(incoming, into: folder, group)
                logger.notice(
                    "fetched a snapshot",
                    metadata: [
                        "group": "\(group)", "bytes": "\(incoming.offer.manifest.totalBytes)", "bytes.kept": "\(kept)",
                        "milliseconds": "\(clock.now - started)",
                    ]
                )
                if let ready = completed(runner) { runner.post(.received(ready)) }
                return
            } catch {
                logger.warning(
                    "a snapshot could not be fetched; the leader will offer another",
                    metadata: ["group": "\(group)", "node": "\(incoming.source)", "error": "\(error)"]
                )
                if takeNewest(group) { continue }
                await decline(group, incoming.source)
                return
            }
        }
    }

    /// All is here. It is given to the replica at once, unless that knows of a later leader, which will make an offer.
    private func completed(_ runner: GroupRunner) -> RaftMessage? {
        let term = Term(runner.snapshot.withLock { $0.term })
        return state.withLock { state in
            guard var incoming = state.incoming[runner.group] else { return nil }
            defer { state.incoming[runner.group] = incoming }
            incoming.stage = .complete
            guard incoming.newest.term >= term else { return nil }
            return SnapshotReceiver.post(&incoming, turn: state.turns[runner.group] ?? 0)
        }
    }

    /// Goes on with what another leader has offered meanwhile; false when there is nothing but what has just failed.
    private func takeNewest(_ group: UInt32) -> Bool {
        state.withLock { state in
            guard var incoming = state.incoming[group] else { return false }
            defer { state.incoming[group] = incoming }
            guard SnapshotReceiver.isOther(incoming), case .snapshot(let snapshot) = incoming.newest.body,
                let offer = try? SnapshotOffer(decoding: snapshot.data)
            else {
                incoming.stage = .failed
                return false
            }
            let newest = incoming.newest
            incoming = Incoming(offer: offer, snapshot: snapshot, source: newest.from, newest: newest)
            return true
        }
    }

    /// Whether the latest offer is not the one that is being fetched.
    private static func isOther(_ incoming: Incoming) -> Bool {
        guard case .snapshot(let snapshot) = incoming.newest.body else { return false }
        return incoming.newest.from != incoming.source || snapshot.data != incoming.snapshot.data
    }

    /// - Returns: how many bytes were here already.
    private func fetch(_ incoming: Incoming, into folder: IncomingFolder, _ group: UInt32) async throws -> UInt64 {
        let kept = try folder.prepare(for: incoming.offer.manifest)
        for file in incoming.offer.manifest.files where !folder.has(file) {
            let wasKept = try await fetch(file, incoming, folder, group)
            do {
                try folder.verify(file)
            } catch {
                // What was kept may be wrong, so the file is fetched once more, from its beginning.
                guard wasKept else { throw error }
                _ = try await fetch(file, incoming, folder, group)
                try folder.verify(file)
            }
        }
        return kept
    }

    /// - Returns: whether a part of it was here already.
    private func fetch(
        _ file: SnapshotFile,
        _ incoming: Incoming,
        _ folder: IncomingFolder,
        _ group: UInt32
    ) async throws -> Bool {
        let target = try IncomingFile(path: "\(folder.path)/\(file.name)", size: file.byteCount)
        let kept = target.size
        guard kept < file.byteCount || kept == 0 else { return true }
        for attempt in 1...SnapshotReceiver.attempts {
            do {
                try await download(file.name, incoming.offer.id, incoming.source, target.size) {
                    try target.append($0)
                }
                break
            } catch {
                // What has arrived is kept: the next attempt goes on from there.
                let isOther = state.withLock { $0.incoming[group].map { SnapshotReceiver.isOther($0) } ?? true }
                if attempt == SnapshotReceiver.attempts || isOther { throw error }
                try await Task.sleep(for: .milliseconds(200 * attempt))
            }
        }
        try target.finish()
        return kept > 0
    }

    // MARK: Installing

    /// Where the files of a snapshot are that the replica takes; nil if they are not here.
    func take(_ id: String, group: UInt32) -> String? {
        state.withLock { state in
            guard let incoming = state.incoming[group], incoming.offer.id == id, case .posted = incoming.stage else {
                return nil
            }
            state.incoming[group]?.stage = .installing
            return state.folders[group]?.path
        }
    }

    /// The snapshot is in use.
    func installed(group: UInt32) {
        let (incoming, folder) = state.withLock { state in
            (state.incoming.removeValue(forKey: group), state.folders[group])
        }
        folder?.forgetAll()
        guard let incoming, SnapshotReceiver.isOther(incoming) else { return }
        // The leader waits for the snapshot that it has offered itself; it may go on from this one.
        Task { [decline] in await decline(group, incoming.newest.from) }
    }
}
