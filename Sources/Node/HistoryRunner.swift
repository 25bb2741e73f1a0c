import Foundation
import Logging
import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import StateStore
import Synchronization

/// Moves what is over to the history, on a thread of its own: the event stream and finished instances.
final class HistoryRunner: Sendable {
    private static let pauseSeconds = 0.25
    private static let instancesPerRound = 2_000
    private static let bytesPerRound = 8 << 20

    private struct State {
        var isStopping = false
        /// What a snapshot brought, to go on with.
        var replacement: (live: StateFile, folder: HistoryFolder, generation: UInt64)?
        /// Of the state that the history belongs to.
        var generation: UInt64
    }

    var group: UInt32 { runner.group }
    private let runner: GroupRunner
    private let log: SQLiteRaftLog
    private let clock: NodeClock
    private let logger: Logger
    private let state: Mutex<State>
    private let condition = NSCondition()
    private let finished = DispatchSemaphore(value: 0)

    init(runner: GroupRunner, generation: UInt64, log: SQLiteRaftLog, clock: NodeClock, logger: Logger) {
        state = Mutex(State(generation: generation))
        self.runner = runner
        self.log = log
        self.clock = clock
        self.logger = logger
    }

    func start(live: StateFile, folder: HistoryFolder, retention: Duration, readers: ReaderPool) throws {
        let outcome = Mutex<Result<Void, any Error>?>(nil)
        let started = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            nameThread("history-\(runner.group)")
            do {
                let archiver = try HistoryArchiver(live: live, folder: folder, retention: retention)
                runner.historyIndex.withLock { $0 = archiver.appliedIndex }
                outcome.withLock { $0 = .success(()) }
                started.signal()
                run(archiver, readers: readers)
            } catch {
                outcome.withLock { $0 = .failure(error) }
                started.signal()
            }
            finished.signal()
        }
        thread.start()
        started.wait()
        try outcome.withLock { $0 }?.get()
    }

    func stop() {
        condition.lock()
        state.withLock { $0.isStopping = true }
        condition.signal()
        condition.unlock()
        finished.wait()
    }

    /// Goes on with another state and the history that belongs to it.
    func switchTo(live: StateFile, folder: HistoryFolder, generation: UInt64) {
        state.withLock { $0.replacement = (live, folder, generation) }
    }

    private func run(_ archiver: HistoryArchiver, readers: ReaderPool) {
        while true {
            condition.lock()
            if !state.withLock({ $0.isStopping }) {
                _ = condition.wait(until: Date(timeIntervalSinceNow: HistoryRunner.pauseSeconds))
            }
            condition.unlock()
            if state.withLock({ $0.isStopping }) { return }
            do {
                try round(archiver, readers: readers)
            } catch {
                // Nothing is lost: the log and the state keep what the history does not have.
                logger.error("the history cannot be written now", metadata: ["error": "\(error)"])
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }

    private func round(_ archiver: HistoryArchiver, readers: ReaderPool) throws {
        if let replacement = state.withLock({ $0.replacement }) {
            try archiver.switchTo(live: replacement.live, folder: replacement.folder)
            state.withLock { state in
                state.generation = replacement.generation
                state.replacement = nil
            }
        }
        let snapshot = runner.snapshot.withLock { $0 }
        guard snapshot.groupTime > 0 else { return }
        try copyEntries(archiver, through: snapshot.appliedIndex, now: snapshot.groupTime)
        runner.historyIndex.withLock { $0 = archiver.appliedIndex }
        if snapshot.archivedPending == 0 {
            let moved = try archiver.archive(limit: HistoryRunner.instancesPerRound, now: snapshot.groupTime)
            if !moved.isEmpty { runner.postArchived(moved, generation: state.withLock { $0.generation }) }
        }
        // Group time stands still while nothing happens; what has expired goes all the same.
        try archiver.dropExpired(now: max(snapshot.groupTime, clock.now), readers: readers)
    }

    private func copyEntries(_ archiver: HistoryArchiver, through applied: UInt64, now: Int64) throws {
        let group = GroupID(runner.group)
        while archiver.appliedIndex < applied {
            let first = max(archiver.appliedIndex + 1, try log.status(of: group).firstIndex.rawValue)
            guard first <= applied else { return }
            let entries = try log.entries(
                of: group,
                from: LogIndex(first),
                through: LogIndex(applied),
                maxBytes: HistoryRunner.bytesPerRound
            )
            let stream = try entries.map { entry in
                HistoryEntry(
                    index: entry.index.rawValue,
                    term: entry.term.rawValue,
                    time: try BatchEntry.time(of: entry.payload) ?? 0,
                    payload: entry.payload
                )
            }
            try archiver.append(entries: stream, now: now)
            if state.withLock({ $0.isStopping }) { return }
        }
    }
}
