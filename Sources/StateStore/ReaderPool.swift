import Dispatch
package import ProcessEngine
import Synchronization

/// Answers queries about a group's live state and history from any thread, a bounded number at a time.
///
/// All calls block: they are made from threads of the caller's own, never from those of Swift's concurrency. A call
/// takes at most the time limit, waiting for a free connection included.
package final class ReaderPool: Sendable {
    private struct State {
        var idle: [StateReader] = []
        var isClosed = false
    }

    private let live: StateFile
    private let history: HistoryFolder?
    private let timeLimit: Duration
    private let state = Mutex(State())
    private let free: DispatchSemaphore

    /// Opens no file yet.
    /// - Parameters:
    ///   - live: the state database; when it is replaced by another one, a new pool is needed.
    ///   - history: the very folder that the group's archiver uses; nil for a group without history.
    ///   - readers: number of queries that run at the same time.
    ///   - timeLimit: of one query. Counting all rows of a search gives up after a quarter of it.
    package init(live: StateFile, history: HistoryFolder?, readers: Int = 4, timeLimit: Duration = .seconds(10)) {
        precondition(readers > 0, "Expected at least one reader, but got \(readers)")
        self.live = live
        self.history = history
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
        let reader = try self.takeReader()
        do {
            let result = try reader.query(until: end) { try body(reader) }
            self.giveBack(reader)
            return result
        } catch let error as SearchError {
            self.giveBack(reader)
            throw error
        }
        // After any other error nothing is known about the connections: they are opened anew.
    }

    private func takeReader() throws -> StateReader {
        let idle = try self.state.withLock { state -> StateReader? in
            if state.isClosed { throw SearchError.closed }
            return state.idle.popLast()
        }
        return try idle ?? StateReader(live: self.live, history: self.history)
    }

    private func giveBack(_ reader: StateReader) {
        self.state.withLock { state in
            if state.isClosed { return }
            // Under the lock: a partition that is dropped later finds the reader among the idle ones.
            reader.releaseDroppedPartitions()
            state.idle.append(reader)
        }
    }
}
