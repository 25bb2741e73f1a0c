import ProcessEngine
import SQLite

/// Finds answered requests by their ids, in memory: an index in the database would cost each command of a cluster two
/// changes of a tree, when its answer comes and when it goes, to find a request that is hardly ever repeated. Made anew
/// from the rows when the state is opened.
///
/// An entry stands for a row. Like the rows, entries come at the end and go from the beginning, and a rollback takes
/// either back. Ids are known by a hash of 128 bits: who finds a row compares its id.
struct AnswerIndex {
    /// A point to go back to.
    struct Mark {
        /// The first entry that is there, and the one that is next, counted from the first that ever was.
        fileprivate var first = 0
        fileprivate var next = 0
    }

    private struct Entry {
        let id: ContentHash
        let position: Int64
        /// The entry that this one hides: a row with the same id that was removed in this transaction.
        let hidden: Int?
    }

    private(set) var mark = Mark()
    /// From number `start` on. Those before `mark.first` are gone, but for a rollback.
    private var entries: [Entry] = []
    private var start = 0
    /// Entries up to here are in `numbers` no more.
    private var forgotten = 0
    private var numbers: [ContentHash: Int] = [:]

    init(_ database: Database) throws {
        let rows = try database.prepare("SELECT id, position FROM answered_submission ORDER BY position")
        while try rows.step() { append(RequestID(rows.text(0)), at: rows.int64(1)) }
        commit()
    }

    var count: Int { mark.next - mark.first }

    /// The position of the row that may have this id.
    func position(of id: RequestID) -> Int64? {
        guard count > 0, let number = numbers[Self.hash(id)], number >= mark.first else { return nil }
        return entries[number - start].position
    }

    mutating func append(_ id: RequestID, at position: Int64) {
        let hash = Self.hash(id)
        entries.append(Entry(id: hash, position: position, hidden: numbers.updateValue(mark.next, forKey: hash)))
        mark.next += 1
    }

    /// Removes the oldest ones.
    mutating func removeFirst(_ count: Int) { mark.first += min(count, self.count) }

    mutating func goBack(to earlier: Mark) {
        while mark.next > earlier.next, let last = entries.popLast() {
            numbers[last.id] = last.hidden
            mark.next -= 1
        }
        mark = earlier
    }

    /// There is no going back behind this point.
    mutating func commit() {
        for number in forgotten..<mark.first {
            let id = entries[number - start].id
            if numbers[id] == number { numbers[id] = nil }
        }
        forgotten = mark.first
        // Moved down now and then, so that it costs next to nothing for each.
        guard forgotten - start > max(1024, entries.count / 2) else { return }
        entries.removeFirst(forgotten - start)
        start = forgotten
    }

    private static func hash(_ id: RequestID) -> ContentHash {
        var text = id.text
        return text.withUTF8 { bytes in
            var hasher = ContentHasher(seed: 0x416E_7377)
            hasher.add(UInt64(bytes.count))
            hasher.add(UnsafeRawBufferPointer(bytes))
            return hasher.finish()
        }
    }
}
