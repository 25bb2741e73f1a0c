import RaftCore
import RaftLog
import SQLite
import SimulatedDisk
import Synchronization
import Testing

/// The log on a disk that loses power at every single write and sync, and on one that fills up and fails.
struct PowerCutTests {
    /// What the log must hold once so many disk operations are done, and what it may hold already.
    private struct Acknowledged {
        var operations: Int
        var entries: [LogEntry]
        var status: GroupStatus
    }

    private static func open(_ disk: SimulatedDisk, mustExist: Bool = false) throws -> SQLiteRaftLog {
        let options = RaftLogOptions(mustExist: mustExist, checkpointPages: 12, preallocates: false, vfs: disk.name)
        return try SQLiteRaftLog(folder: "", identity: LogFixture.identity, options: options)
    }

    /// Random right writes, with the disk's operation count at every acknowledgement.
    private static func record(seed: UInt64, steps: Int) throws -> (recording: DiskRecording, [Acknowledged]) {
        let disk = SimulatedDisk(seed: seed)
        let log = try Self.open(disk)
        try log.createGroup(.one, incarnation: .first, configuration: .three)
        var model = LogModel(seed: seed)
        disk.startRecording()
        var history = [Acknowledged(operations: 0, entries: [], status: model.status)]
        for _ in 0..<steps {
            try model.step(log)
            let done = disk.recordedCount
            history.append(Acknowledged(operations: done, entries: model.entries, status: model.status))
        }
        return (try #require(disk.recording), history)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `after a power cut at any point the log holds the last acknowledged write or the one under way`(
        seed: UInt64
    ) throws {
        let (recording, history) = try Self.record(seed: seed, steps: 18)
        var torn = 0

        try recording.forEachStep { done, image in
            let losses: [DiskImage.Loss] =
                [.losesAll, .losesNothing] + (0..<3 as Range<UInt64>).map { .random(seed: seed * 1000 + $0) }
            let last = history.lastIndex { $0.operations <= done } ?? 0
            let allowed = history[last..<min(last + 2, history.count)]
            for loss in losses {
                let disk = SimulatedDisk(image.afterPowerCut(loss))
                let log = try Self.open(disk, mustExist: true)
                let status = try log.status(of: .one)
                let entries = try log.all()
                let isAllowed = allowed.contains { $0.status == status && $0.entries == entries }
                #expect(isAllowed, "seed \(seed), \(done) operations, \(loss)")
                if status != allowed.first?.status { torn += 1 }
                // It must go on from there.
                let next = status.lastIndex.rawValue + 1
                let term = max(status.lastTerm, status.hardState.term)
                try log.append(
                    .one(
                        HardState(term: term, vote: status.hardState.vote, commit: status.hardState.commit),
                        entries: .run(next...next, term: term.rawValue)
                    )
                )
                #expect(try log.all().count == entries.count + 1)
            }
        }

        #expect(torn > 0)
    }

    @Test func `without syncs the same test loses acknowledged writes`() throws {
        let disk = SimulatedDisk()
        let options = RaftLogOptions(preallocates: false, synchronous: .off, vfs: disk.name)
        let log = try SQLiteRaftLog(folder: "", identity: LogFixture.identity, options: options)
        try log.createGroup(.one, incarnation: .first, configuration: .three)

        let after = SimulatedDisk(disk.afterPowerCut(.losesAll))

        #expect(throws: RaftLogError.self) { try Self.open(after).status(of: .one) }
    }

    @Test func `a power cut while the log is made leaves a new log or none`() throws {
        let disk = SimulatedDisk()
        disk.startRecording()
        _ = try SQLiteRaftLog(
            folder: "",
            identity: LogFixture.identity,
            options: RaftLogOptions(checkpointPages: 8, preallocates: true, vfs: disk.name)
        )
        let recording = try #require(disk.recording)

        try recording.forEachStep { done, image in
            for loss in [DiskImage.Loss.losesAll, .losesNothing, .random(seed: UInt64(done)), .random(seed: 99)] {
                let log = try Self.open(SimulatedDisk(image.afterPowerCut(loss)))
                try log.createGroup(.one, incarnation: .first, configuration: .three)
                #expect(try log.groups() == [.one])
            }
        }
    }

    @Test func `a full disk refuses the write, keeps the log usable, and it can be tried again`() throws {
        let disk = SimulatedDisk()
        let log = try Self.open(disk)
        try log.createGroup(.one, incarnation: .first, configuration: .three)
        try log.append(.one(HardState(term: Term(1)), entries: .run(1...3, term: 1)))
        let write = LogWrite.one(entries: .run(4...9, term: 1, payloadBytes: 9000))

        disk.limit(toBytes: disk.image.totalBytes + 10_000)
        let error = #expect(throws: RaftLogError.self) { try log.append(write) }
        let kept = try log.all()
        disk.heal()
        try log.append(write)

        #expect(error?.code == .diskFull)
        #expect(kept == .run(1...3, term: 1))
        #expect(try log.all().count == 9)
        let after = try Self.open(SimulatedDisk(disk.afterPowerCut(.losesAll)), mustExist: true)
        #expect(try after.all() == log.all())
    }

    @Test(arguments: [SimulatedDisk.OperationKind.sync, .write])
    func `a failed sync or write ends the log for good, and the owner is told once`(
        kind: SimulatedDisk.OperationKind
    ) throws {
        let disk = SimulatedDisk()
        let told = Mutex<[RaftLogError]>([])
        var options = RaftLogOptions(preallocates: false, vfs: disk.name)
        options.onFailure = { error in told.withLock { $0.append(error) } }
        let log = try SQLiteRaftLog(folder: "", identity: LogFixture.identity, options: options)
        try log.createGroup(.one, incarnation: .first, configuration: .three)
        try log.append(.one(HardState(term: Term(1)), entries: .run(1...3, term: 1)))

        disk.fail(kind)
        let first = #expect(throws: RaftLogError.self) { try log.append(.one(entries: .run(4...4, term: 1))) }
        disk.heal()
        let second = #expect(throws: RaftLogError.self) { try log.append(.one(entries: .run(4...4, term: 1))) }
        let read = #expect(throws: RaftLogError.self) { try log.status(of: .one) }

        #expect(first?.code == .failed)
        #expect(second?.code == .failed)
        #expect(read?.code == .failed)
        #expect(told.withLock { $0.count } == 1)
        let after = try Self.open(SimulatedDisk(disk.afterPowerCut(.losesAll)), mustExist: true)
        #expect(try after.all() == .run(1...3, term: 1))
    }

    @Test func `a failure at any write or sync never loses what was acknowledged`() throws {
        for kind in [SimulatedDisk.OperationKind.write, .sync, .truncate] {
            for successes in 0..<30 {
                let disk = SimulatedDisk()
                let log = try Self.open(disk)
                try log.createGroup(.one, incarnation: .first, configuration: .three)
                var model = LogModel(seed: UInt64(successes))
                var acknowledged = model

                disk.fail(kind, after: successes)
                do {
                    for _ in 0..<10 {
                        try model.step(log)
                        acknowledged = model
                    }
                } catch let error as RaftLogError {
                    #expect(error.code == .failed)
                }

                disk.heal()
                let after = try Self.open(SimulatedDisk(disk.afterPowerCut(.losesAll)), mustExist: true)
                #expect(try after.status(of: .one) == acknowledged.status, "\(kind) after \(successes)")
                #expect(try after.all() == acknowledged.entries, "\(kind) after \(successes)")
            }
        }
    }
}
