import Foundation
import RaftCore
import RaftLog
import Synchronization
import Testing

/// Threads of their own, so that waiting for the disk does not hold up other tests.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let running = Mutex(count)
        for number in 0..<count {
            Thread.detachNewThread {
                body(number)
                let left = running.withLock { left in
                    left -= 1
                    return left
                }
                if left == 0 { continuation.resume() }
            }
        }
    }
}

struct ConcurrencyTests {
    @Test func `appends from many threads share syncs, and none is lost`() async throws {
        let fixture = try LogFixture()
        let log = try fixture.open()
        for group in 0..<16 as Range<UInt32> {
            try log.createGroup(GroupID(group), incarnation: .first, configuration: .three)
        }
        let before = log.flushCount

        await onThreads(16) { group in
            for index in 1...50 as ClosedRange<UInt64> {
                let write = LogWrite(
                    group: GroupID(UInt32(group)),
                    incarnation: .first,
                    hardState: index == 1 ? HardState(term: Term(1)) : nil,
                    entries: .run(index...index, term: 1)
                )
                #expect(throws: Never.self) { try log.append(write) }
                #expect(throws: Never.self) { try log.term(of: LogIndex((index + 1) / 2), in: GroupID(UInt32(group))) }
            }
        }

        #expect(log.flushCount - before < 16 * 50)
        log.close()
        let again = try fixture.open()
        for group in 0..<16 as Range<UInt32> { #expect(try again.all(GroupID(group)) == .run(1...50, term: 1)) }
    }

    @Test func `readers of old entries and writers alternate`() async throws {
        let fixture = try LogFixture(.sqliteWithoutCache)
        let log = try fixture.openWithEntries(100)
        try log.createGroup(.two, incarnation: .second, configuration: .three)

        await onThreads(4) { number in
            for round in 1...40 as ClosedRange<UInt64> {
                if number == 0 {
                    let hardState = round == 1 ? HardState(term: Term(1)) : nil
                    let write = LogWrite(
                        group: .two,
                        incarnation: .second,
                        hardState: hardState,
                        entries: .run(round...round, term: 1)
                    )
                    #expect(throws: Never.self) { try log.append(write) }
                } else {
                    #expect((try? log.all()) == .run(1...100, term: 1))
                }
            }
        }

        #expect(try log.all(.two) == .run(1...40, term: 1))
    }

    @Test func `a caller that does not wait is told, in order`() async throws {
        let log = try LogFixture().openWithEntries(1)
        let order = Mutex<[UInt64]>([])

        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            for index in 2...101 as ClosedRange<UInt64> {
                log.append([.one(entries: .run(index...index, term: 1))]) { outcome in
                    if case .success = outcome { order.withLock { $0.append(index) } }
                    if index == 101 { continuation.resume() }
                }
            }
        }

        #expect(order.withLock { $0 } == Array(2...101))
        #expect(try log.all() == .run(1...101, term: 1))
        #expect(log.flushCount < 100)
    }

    @Test func `waiting and not waiting callers work together`() async throws {
        let log = try LogFixture().open()
        for group in 0..<4 as Range<UInt32> {
            try log.createGroup(GroupID(group), incarnation: .first, configuration: .three)
        }
        let told = Mutex(0)

        await onThreads(4) { number in
            let group = GroupID(UInt32(number))
            for index in 1...60 as ClosedRange<UInt64> {
                let write = LogWrite(
                    group: group,
                    incarnation: .first,
                    hardState: index == 1 ? HardState(term: Term(1)) : nil,
                    entries: .run(index...index, term: 1)
                )
                if index % 3 == 0 {
                    #expect(throws: Never.self) { try log.append(write) }
                } else {
                    log.append([write]) { outcome in
                        if case .success = outcome { told.withLock { $0 += 1 } }
                    }
                }
            }
        }

        for group in 0..<4 as Range<UInt32> { #expect(try log.all(GroupID(group)) == .run(1...60, term: 1)) }
        #expect(told.withLock { $0 } == 160)
    }

    @Test func `what is queued without waiting is bounded`() async throws {
        let log = try LogFixture().open { $0.queuedBytesLimit = 1000 }
        try log.createGroup(.one, incarnation: .first, configuration: .three)

        let outcome: Result<Void, RaftLogError> = await withCheckedContinuation { continuation in
            let entries: [LogEntry] = .run(1...1, term: 1, payloadBytes: 2000)
            log.append([.one(HardState(term: Term(1)), entries: entries)]) { continuation.resume(returning: $0) }
        }

        guard case .failure(let error) = outcome else {
            Issue.record("Expected a refusal")
            return
        }
        #expect(error.code == .overloaded)
    }

    @Test func `closing lets callers go`() async throws {
        let log = try LogFixture().openWithEntries(1)

        await onThreads(5) { number in
            if number == 4 { return log.close() }
            for _ in 0..<50 {
                do {
                    try log.append(.one(HardState(term: Term(1))))
                } catch {
                    #expect((error as? RaftLogError)?.code == .closed)
                }
            }
        }

        #expect(throws: RaftLogError.self) { try log.groups() }
    }
}
