import Dispatch
package import ProcessEngine
import Synchronization

/// Answers queries about a group's live state and history from any thread, a bounded number at a time.
///
/// All calls block: they are made from threads of the caller's own, never from those of Swift's concurrency. A call
/// takes at most the time limit, waiting for a free connection included.
package final class ReaderPool: Sendable {
    private struct State {
        var live: StateFile
        var history: HistoryFolder?
        /// Counts the changes of the two.
        var era: UInt64 = 0
        var idle: [StateReader] = []
        var isClosed = false
    }

    private let timeLimit: Duration
    private let state: Mutex<State>
    private let free: DispatchSemaphore

    /// Opens no file yet.
    /// - Parameters:
    ///   - live: the state database; when it is replaced by another one, `switchTo` says so.
    ///   - history: the very folder that the group's archiver uses; nil for a group without history.
    ///   - readers: number of queries that run at the same time.
    ///   - timeLimit: of one query. Counting all rows of a search gives up after a quarter of it.
    package init(live: StateFile, history: HistoryFolder?, readers: Int = 4, timeLimit: Duration = .seconds(10)) {
        precondition(readers > 0, "Expected at least one reader, but got \(readers)")
        self.state = Mutex(State(live: live, history: history))
        self.timeLimit = timeLimit
        self.free = DispatchSemaphore(value: readers)
    }

    /// A page of a search over live state and history, as one snapshot of the live state shows it.
    ///
    /// Null comes before all values (after them where the order is descending), texts are ordered by their UTF-8 bytes.
    /// Rows that expire while the search runs may be missing.
    /// - Throws: `SearchError`, or `SQLiteError` if the storage fails.
    package func search(_ request: SearchRequest) throws -> SearchPage {
        let query = try SearchQuery(request)
        return try self.withReader { reader in
            try reader.search(query, countEnd: ContinuousClock.now + self.timeLimit / 4)
        }
    }

    /// The row of a view with this key, or nil.
    /// - Throws: as `search`.
    package func row(_ view: ViewKind, key: Key) throws -> ViewRow? {
        try self.withReader { try $0.row(view, key) }
    }

    /// The file that a process definition was deployed with, or nil.
    /// - Throws: as `search`.
    package func definitionXML(_ key: Key) throws -> [UInt8]? {
        try self.withReader { try $0.definitionXML(key) }
    }

    /// Entries of the event stream in the order of their indexes, as far as the history has them.
    /// - Parameters:
    ///   - index: of the last entry the caller knows; 0 to begin at the oldest.
    ///   - limit: number of entries.
    ///   - byteLimit: bytes of payload after which no further entry is added.
    /// - Throws: as `search`.
    package func entries(after index: UInt64, limit: Int, byteLimit: Int = 8 << 20) throws -> [HistoryEntry] {
        guard limit > 0 else { throw SearchError.invalid("Expected a limit of 1 or more, but got \(limit)") }
        return try self.withReader { try $0.entries(after: index, limit: limit, byteLimit: byteLimit) }
    }

    /// Gives up partitions that were dropped, so that the disk gets their space back. Readers that are busy do so when
    /// they are done.
    package func releaseDroppedPartitions() {
        self.state.withLock { state in
            for reader in state.idle { reader.releaseDroppedPartitions() }
        }
    }

    /// Lets queries that begin from now on read another state and its history; those that run end on the old ones. The
    /// files of the old ones may be deleted meanwhile: what is open stays readable.
    package func switchTo(live: StateFile, history: HistoryFolder?) {
        self.state.withLock { state in
            state.live = live
            state.history = history
            state.era += 1
            state.idle = []
        }
    }

    /// Closes the connections, those in use when their query ends. Later queries throw `SearchError.closed`.
    package func close() {
        self.state.withLock { state in
            state.isClosed = true
            state.idle = []
        }
    }

    private func withReader<Result>(_ body: (StateReader) throws -> Result) throws -> Result {
        let end = ContinuousClock.now + self.timeLimit
        let milliseconds = min(self.timeLimit / .milliseconds(1), 1e9)
        let wait = DispatchTimeInterval.milliseconds(Int(milliseconds))
        guard self.free.wait(timeout: .now() + wait) == .success else { throw SearchError.timeLimit }
        defer { self.free.signal() }
        let (reader, era) = try self.takeReader()
        do {
            let result = try reader.query(until: end) { try body(reader) }
            self.giveBack(reader, era)
            return result
        } catch let error as SearchError {
            self.giveBack(reader, era)
            throw error
        }
        // After any other error nothing is known about the connections: they are opened anew.
    }

    private func takeReader() throws -> (StateReader, era: UInt64) {
        let (idle, live, history, era) = try self.state.withLock { state in
            if state.isClosed { throw SearchError.closed }
            return (state.idle.popLast(), state.live, state.history, state.era)
        }
        do {
            return (try idle ?? StateReader(live: live, history: history), era)
        } catch {
            // The state may have been replaced, and its file deleted, before it was opened.
            guard self.state.withLock({ $0.era != era }) else { throw error }
            return try self.takeReader()
        }
    }

    private func giveBack(_ reader: StateReader, _ era: UInt64) {
        self.state.withLock { state in
            if state.isClosed || state.era != era { return }
            // Under the lock: a partition that is dropped later finds the reader among the idle ones.
            reader.releaseDroppedPartitions()
            state.idle.append(reader)
        }
    }
}
