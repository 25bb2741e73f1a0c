import Testing

@testable import Node
@testable import RaftCore

@Suite struct WaitingAppendsTests {
    private func work(_ index: UInt64?) -> StorageAppend {
        let entries = index.map { [LogEntry(term: Term(1), index: LogIndex($0), payload: [1])] } ?? []
        return StorageAppend(entries: entries, mustSync: index != nil, responses: [])
    }

    @Test func `what comes after work without space waits behind it, even if it needs no space`() {
        var space = 1
        var persisted: [StorageAppend] = []
        var waiting = WaitingAppends()
        func persist(_ work: StorageAppend) -> Bool {
            guard work.entries.isEmpty || space > 0 else { return false }
            if !work.entries.isEmpty { space -= 1 }
            persisted.append(work)
            return true
        }
        let first = waiting.take(work(1), persist)
        let second = waiting.take(work(2), persist)
        // Its acknowledgement would stand for entry 2 as well.
        let third = waiting.take(work(nil), persist)
        let fourth = waiting.take(work(3), persist)
        #expect([first, second, third, fourth] == [true, false, false, false])
        #expect(persisted == [work(1)])
        let nothing = waiting.retry(persist)
        #expect(nothing.isEmpty)

        space = 1
        let some = waiting.retry(persist)
        #expect(some == [work(2), work(nil)])
        #expect(!waiting.isEmpty)
        space = 1
        let rest = waiting.retry(persist)
        #expect(rest == [work(3)])
        #expect(waiting.isEmpty)
        #expect(persisted == [work(1), work(2), work(nil), work(3)])
    }
}
