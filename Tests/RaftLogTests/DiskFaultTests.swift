import Foundation
import RaftCore
import RaftLog
import SimulatedDisk
import Synchronization
import Testing

/// A disk that is slow, full, fails or decays, beneath callers that do and do not wait.
struct DiskFaultTests {
    private static func log(
        _ disk: SimulatedDisk,
        _ adjust: (inout RaftLogOptions) -> Void = { _ in }
    ) throws -> SQLiteRaftLog {
        var options = RaftLogOptions(checkpointPages: 12, preallocates: false, vfs: disk.name)
        adjust(&options)
        return try SQLiteRaftLog(folder: "", identity: LogFixture.identity, options: options)
    }

    private static func founded(
        _ disk: SimulatedDisk,
        _ adjust: (inout RaftLogOptions) -> Void = { _ in }
    ) throws -> SQLiteRaftLog {
        let log = try Self.log(disk, adjust)
        try log.createGroup(.one, incarnation: .first, configuration: .three)
        try log.append(.one(HardState(term: Term(1)), entries: .run(1...3, term: 1)))
        return log
    }

    @Test func `a stalled sync delays its writers, nobody is told too early, and reading goes on`() async throws {
        let disk = SimulatedDisk()
        let log = try Self.founded(disk)
        let isStalled = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
        let told = Mutex<[UInt64]>([])
        disk.setHook { kind in
            guard kind == .sync else { return }
            disk.setHook(nil)
            isStalled.signal()
            mayGoOn.wait()
        }

        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            for index in 4...9 as ClosedRange<UInt64> {
                log.append([.one(entries: .run(index...index, term: 1))]) { outcome in
                    if case .success = outcome { told.withLock { $0.append(index) } }
                    if index == 9 { continuation.resume() }
                }
            }
            Thread.detachNewThread {
                isStalled.wait()
                #expect(told.withLock { $0.isEmpty })
                #expect(throws: Never.self) { try log.all() }
                #expect((try? log.status(of: .one).lastIndex) == LogIndex(3))
                mayGoOn.signal()
            }
        }

        #expect(told.withLock { $0 } == Array(4...9))
        #expect(try log.all() == .run(1...9, term: 1))
    }

    @Test(arguments: [SimulatedDisk.OperationKind.sync, .write])
    func `a failing disk ends the log for all that is queued, and for all that comes later`(
        kind: SimulatedDisk.OperationKind
    ) async throws {
        let disk = SimulatedDisk()
        let failures = Mutex<[RaftLogError]>([])
        let log = try Self.founded(disk) { $0.onFailure = { error in failures.withLock { $0.append(error) } } }
        let outcomes = Mutex<[RaftLogError.Code]>([])
        disk.fail(kind)

        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            for index in 4...20 as ClosedRange<UInt64> {
                log.append([.one(entries: .run(index...index, term: 1))]) { outcome in
                    if case .failure(let error) = outcome { outcomes.withLock { $0.append(error.code) } }
                    // The first call may be alone in its transaction; then the others meet a log that has failed.
                    if outcomes.withLock({ $0.count }) == 17 { continuation.resume() }
                }
            }
        }
        disk.heal()

        #expect(outcomes.withLock { $0 } == Array(repeating: .failed, count: 17))
        #expect(failures.withLock { $0.count } == 1)
        let calls: [() throws -> Void] = [
            { try log.append(.one(entries: .run(4...4, term: 1))) },
            { _ = try log.status(of: .one) },
            { _ = try log.groups() },
            { _ = try log.all() },
            { try log.verify(.one) },
            { try log.compact(.one, incarnation: .first, through: LogIndex(1), configuration: .three) },
            { try log.createGroup(.two, incarnation: .first, configuration: .three) },
            { try log.deleteGroup(.one, incarnation: .first) },
        ]
        for call in calls {
            let error = #expect(throws: RaftLogError.self, performing: call)
            #expect(error?.code == .failed)
        }
        let after = try Self.log(SimulatedDisk(disk.afterPowerCut(.losesAll)))
        #expect(try after.all() == .run(1...3, term: 1))
    }

    @Test func `a failed read ends the log`() throws {
        let disk = SimulatedDisk()
        try Self.founded(disk).close()
        let failures = Mutex(0)
        let log = try Self.log(disk) { options in
            options.cacheBytes = 0
            options.openCheckBytes = 0
            options.openScanBytes = 0
            options.onFailure = { _ in failures.withLock { $0 += 1 } }
        }
        for index in 4...200 as ClosedRange<UInt64> {
            try log.append(.one(entries: .run(index...index, term: 1, payloadBytes: 60_000)))
        }

        disk.fail(.read)
        let error = #expect(throws: RaftLogError.self) { try log.all() }
        disk.heal()

        #expect(error?.code == .failed)
        #expect(failures.withLock { $0 } == 1)
        #expect(throws: RaftLogError.self) { try log.status(of: .one) }
    }

    @Test func `a full disk refuses what is queued, and the log goes on when there is space`() async throws {
        let disk = SimulatedDisk()
        let log = try Self.founded(disk)
        disk.limit(toBytes: disk.image.totalBytes + 10_000)

        let outcome: Result<Void, RaftLogError> = await withCheckedContinuation { continuation in
            log.append([.one(entries: .run(4...9, term: 1, payloadBytes: 9000))]) { continuation.resume(returning: $0) }
        }
        disk.heal()

        guard case .failure(let error) = outcome else {
            Issue.record("Expected a refusal")
            return
        }
        #expect(error.code == .diskFull)
        try log.append(.one(entries: .run(4...4, term: 1)))
        #expect(try log.all() == .run(1...4, term: 1))
    }

    /// Bits of database and write-ahead file, and files that lost their tail: what is accepted is what was written.
    @Test(arguments: ["/raft.db", "/raft.db-wal"])
    func `no flipped bit and no lost tail gives other entries`(path: String) throws {
        let disk = SimulatedDisk()
        let log = try Self.founded(disk)
        for index in 4...40 as ClosedRange<UInt64> {
            let hardState = HardState(term: Term(1), commit: LogIndex(index - 1))
            try log.append(.one(hardState, entries: .run(index...index, term: 1, payloadBytes: 100)))
        }
        let expected = try log.all()
        let image = disk.image
        let files = Dictionary(uniqueKeysWithValues: image.paths.map { ($0, image.contents(of: $0) ?? []) })
        let size = image.size(of: path)
        #expect(size > 8192)
        var random = DiskRandom(seed: 5)
        var refused = 0
        for round in 0..<120 {
            var damaged = files
            if round % 4 == 3 {
                damaged[path]?.removeLast(Int(random.below(UInt64(size))) + 1)
            } else {
                damaged[path]?[Int(random.below(UInt64(size)))] ^= 1 << UInt8(random.below(8))
            }
            do {
                let again = try Self.log(SimulatedDisk(DiskImage(files: damaged))) { $0.mustExist = true }
                let entries = try again.all()
                // The newest transactions may be missing with the tail that was damaged, nothing else.
                #expect(Array(expected.prefix(entries.count)) == entries, "round \(round)")
                try again.verify(.one)
            } catch let error as RaftLogError {
                refused += 1
                #expect([.corrupted, .foreignIdentity, .newerVersion, .unknownGroup].contains(error.code), "\(error)")
            }
        }
        #expect(refused > 0)
    }
}
