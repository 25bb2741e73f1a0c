import RaftCore

/// Work for the log, in order. What found no space waits, and what comes after it waits behind it, even if that needs
/// no space: acknowledging a later piece says that everything before it is durable as well.
struct WaitingAppends {
    /// Makes a piece durable; false when there is no space now.
    typealias Persist = (StorageAppend) throws -> Bool

    private var works: [StorageAppend] = []

    var isEmpty: Bool { works.isEmpty }

    /// - Returns: whether the work is durable now; otherwise it waits.
    mutating func take(_ work: StorageAppend, _ persist: Persist) rethrows -> Bool {
        if works.isEmpty, try persist(work) { return true }
        works.append(work)
        return false
    }

    /// Tries once more, up to the first that finds no space.
    ///
    /// - Returns: what is durable now, in order.
    mutating func retry(_ persist: Persist) rethrows -> [StorageAppend] {
        var done: [StorageAppend] = []
        while let work = works.first, try persist(work) { done.append(works.removeFirst()) }
        return done
    }
}
