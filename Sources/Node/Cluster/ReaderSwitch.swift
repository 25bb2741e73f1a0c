import StateStore
import Synchronization

/// Turns those who read a group's state and history to a new generation of them.
final class ReaderSwitch: Sendable {
    private let readers = Mutex<(pool: ReaderPool, history: HistoryRunner)?>(nil)

    func set(_ pool: ReaderPool, _ history: HistoryRunner) { readers.withLock { $0 = (pool, history) } }

    /// A generation of a group is in use from now on.
    func installed(_ group: UInt32, _ source: SnapshotExchange.Source) {
        guard let readers = readers.withLock({ $0 }), readers.history.group == group else { return }
        let live = source.folder.file(of: source.generation)
        readers.pool.switchTo(live: live, history: source.history)
        if let folder = source.history {
            readers.history.switchTo(live: live, folder: folder, generation: source.generation)
        }
    }
}
