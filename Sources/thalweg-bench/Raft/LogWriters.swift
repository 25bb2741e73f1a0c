import Foundation
import RaftCore
import RaftLog
import Synchronization

/// Who appends entries to a log, and how they wait.
final class LogWriters: Sendable {
    /// What a stretch of writing came to.
    struct Outcome {
        var appends = 0
        var flushes = 0
        var seconds = 0.0
        var processorSeconds = 0.0
        var writtenBytes = 0

        var rate: Double { self.seconds > 0 ? Double(self.appends) / self.seconds : 0 }

        static func += (sum: inout Outcome, part: Outcome) {
            sum.appends += part.appends
            sum.flushes += part.flushes
            sum.seconds += part.seconds
            sum.processorSeconds += part.processorSeconds
            sum.writtenBytes += part.writtenBytes
        }
    }

    /// The newest index of a group.
    private final class Group: Sendable {
        let last = Mutex<UInt64>(0)
    }

    private static let incarnation = IncarnationID(1)
    private static let members = ClusterConfiguration(voters: [NodeID(1), NodeID(2), NodeID(3)])

    private let log: SQLiteRaftLog
    private let payload: [UInt8]
    private let groups: [Group]
    private let isStopping = Atomic<Bool>(false)
    private let appends = Atomic<Int>(0)
    private let failure = Mutex<String?>(nil)

    init(_ log: SQLiteRaftLog, groups: Int, payloadBytes: Int) throws {
        self.log = log
        self.payload = (0..<payloadBytes).map { UInt8(truncatingIfNeeded: $0) }
        self.groups = (0..<groups).map { _ in Group() }
        for group in 0..<groups {
            try log.createGroup(GroupID(UInt32(group)), incarnation: Self.incarnation, configuration: Self.members)
            try log.append(
                LogWrite(
                    group: GroupID(UInt32(group)),
                    incarnation: Self.incarnation,
                    hardState: HardState(term: Term(1))
                )
            )
        }
    }

    /// One thread appends one entry after the other, and waits for each.
    func one(seconds: Double) throws -> Outcome {
        try self.measure(seconds: seconds) { end in
            while monotonicNanoseconds() < end { try self.append(to: self.groups.count - 1, count: 1) }
        }
    }

    /// One thread appends so many entries at once, and waits.
    func batches(of count: Int, seconds: Double) throws -> Outcome {
        try self.measure(seconds: seconds) { end in
            while monotonicNanoseconds() < end { try self.append(to: self.groups.count - 1, count: count) }
        }
    }

    /// Threads that block until their entry is durable, each with a group of its own.
    func blocked(_ count: Int, seconds: Double) throws -> Outcome {
        try self.threads(count, seconds: seconds) { number in try self.append(to: number, count: 1) }
    }

    /// Threads that block until their entry is durable and share the groups, as the clients of a node do.
    func blockedClients(_ count: Int, seconds: Double) throws -> Outcome {
        let signals = (0..<count).map { _ in DispatchSemaphore(value: 0) }
        return try self.threads(count, seconds: seconds) { number in
            let signal = signals[number]
            // Index and place in the queue are taken together, so that a group's entries come in order.
            self.groups[number % self.groups.count].last.withLock { last in
                self.log.append([self.next(&last, number % self.groups.count, 1)]) { outcome in
                    self.note(outcome)
                    signal.signal()
                }
            }
            signal.wait()
        }
    }

    private func threads(
        _ count: Int,
        seconds: Double,
        _ body: @escaping @Sendable (Int) throws -> Void
    ) throws -> Outcome {
        let finished = DispatchSemaphore(value: 0)
        let begin = DispatchSemaphore(value: 0)
        self.isStopping.store(false, ordering: .relaxed)
        for number in 0..<count {
            let thread = Thread {
                begin.wait()
                do {
                    while !self.isStopping.load(ordering: .relaxed) { try body(number) }
                } catch {
                    self.failure.withLock { $0 = "\(error)" }
                }
                finished.signal()
            }
            thread.stackSize = 256 << 10
            thread.start()
        }
        return try self.measure(seconds: seconds) { end in
            for _ in 0..<count { begin.signal() }
            defer {
                self.isStopping.store(true, ordering: .relaxed)
                for _ in 0..<count { finished.wait() }
            }
            let now = monotonicNanoseconds()
            if now < end { try pause(seconds: (end - now).seconds) }
        }
    }

    /// Writers without threads of their own: each appends its next entry when it is told that the last one is durable.
    func told(_ count: Int, seconds: Double) throws -> Outcome {
        let finished = DispatchSemaphore(value: 0)
        self.isStopping.store(false, ordering: .relaxed)
        return try self.measure(seconds: seconds) { end in
            for number in 0..<count { self.appendAgain(to: number % self.groups.count, finished) }
            defer {
                self.isStopping.store(true, ordering: .relaxed)
                for _ in 0..<count { finished.wait() }
            }
            let now = monotonicNanoseconds()
            if now < end { try pause(seconds: (end - now).seconds) }
        }
    }

    private func measure(seconds: Double, _ body: (_ end: UInt64) throws -> Void) throws -> Outcome {
        let facts = ProcessFacts(processID: getpid())
        let (flushes, appends) = (self.log.flushCount, self.appends.load(ordering: .relaxed))
        let (processor, written) = (facts.processorSeconds, facts.passedBytes)
        let start = monotonicNanoseconds()
        try body(start + .nanoseconds(seconds: seconds))
        let time = (monotonicNanoseconds() - start).seconds
        let outcome = Outcome(
            appends: self.appends.load(ordering: .relaxed) - appends,
            flushes: self.log.flushCount - flushes,
            seconds: time,
            processorSeconds: facts.processorSeconds - processor,
            writtenBytes: facts.passedBytes - written
        )
        if let failure = self.failure.withLock({ $0 }) { throw BenchError(failure) }
        return outcome
    }

    // MARK: One append

    private func next(_ last: inout UInt64, _ group: Int, _ count: Int) -> LogWrite {
        let first = last + 1
        last += UInt64(count)
        let entries = (0..<UInt64(count)).map {
            LogEntry(term: Term(1), index: LogIndex(first + $0), payload: self.payload)
        }
        return LogWrite(group: GroupID(UInt32(group)), incarnation: Self.incarnation, entries: entries)
    }

    private func append(to group: Int, count: Int) throws {
        let write = self.groups[group].last.withLock { self.next(&$0, group, count) }
        try self.log.append([write])
        self.appends.add(count, ordering: .relaxed)
    }

    private func appendAgain(to group: Int, _ finished: DispatchSemaphore) {
        // Index and place in the queue are taken together, so that a group's entries come in order.
        self.groups[group].last.withLock { last in
            self.log.append([self.next(&last, group, 1)]) { outcome in
                self.note(outcome)
                if self.isStopping.load(ordering: .relaxed) || self.failure.withLock({ $0 != nil }) {
                    finished.signal()
                } else {
                    self.appendAgain(to: group, finished)
                }
            }
        }
    }

    private func note(_ outcome: Result<Void, RaftLogError>) {
        switch outcome {
        case .success: self.appends.add(1, ordering: .relaxed)
        case .failure(let error): self.failure.withLock { $0 = "\(error)" }
        }
    }
}
