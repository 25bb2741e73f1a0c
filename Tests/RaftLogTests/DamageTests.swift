import Foundation
import RaftCore
import RaftLog
import SQLite
import Testing

/// Damage is found and named, never taken for data.
@Suite(.serialized)
struct DamageTests {
    /// Changes the database behind the log's back.
    private func tamper(_ fixture: LogFixture, _ sql: String) throws {
        let database = try Database(path: fixture.path("raft.db"))
        try database.execute(sql)
        try database.checkpoint(.truncate)
    }

    @Test(arguments: [
        "UPDATE entry SET payload = x'00' || substr(payload, 2) WHERE id & 0xFFFF = 42",
        "UPDATE entry SET term = 2 WHERE id & 0xFFFF = 42", "UPDATE entry SET kind = 1 WHERE id & 0xFFFF = 42",
        "UPDATE entry SET kind = 256 WHERE id & 0xFFFF = 42", "UPDATE entry SET checksum = 0 WHERE id & 0xFFFF = 42",
        "UPDATE entry SET payload = (SELECT e.payload FROM entry e WHERE e.id & 0xFFFF = 41) WHERE id & 0xFFFF = 42",
        "DELETE FROM entry WHERE id & 0xFFFF = 42",
    ])
    func `a damaged entry is named by group and index when it is read`(sql: String) throws {
        let fixture = try LogFixture()
        try fixture.openWithEntries(100).close()
        try self.tamper(fixture, sql)

        let log = try fixture.open { options in
            options.openCheckBytes = 80
            options.openScanBytes = 0
        }
        let error = #expect(throws: RaftLogError.self) { try log.all() }
        let verification = #expect(throws: RaftLogError.self) { try log.verify(.one) }

        #expect(error?.code == .corrupted)
        #expect(error?.group == .one)
        #expect(error?.index == LogIndex(42))
        #expect(verification?.index == LogIndex(42))
        #expect(try log.entries(of: .one, from: LogIndex(50), through: LogIndex(60), maxBytes: 1000).count == 11)
    }

    @Test(arguments: [
        "DELETE FROM entry WHERE id & 0xFFFF = 42", "DELETE FROM entry WHERE id & 0xFFFF = 1",
        "DELETE FROM entry WHERE id & 0xFFFF > 79", "DELETE FROM entry",
        "UPDATE entry SET payload = x'01' WHERE id & 0xFFFF = 100",
        "UPDATE raft_group SET record = x'01'",
        "UPDATE raft_group SET record = substr(record, 1, 30) || x'FF' || substr(record, 32)",
        "INSERT INTO raft_group SELECT 2, record FROM raft_group; DELETE FROM raft_group WHERE id = 1;"
            + "UPDATE raft_group SET id = 1",
    ])
    func `opening finds gaps, a lost tail and damaged records, and keeps the other groups usable`(
        sql: String
    ) throws {
        let fixture = try LogFixture()
        let writer = try fixture.openWithEntries(100)
        try writer.append(.one(HardState(term: Term(1), commit: LogIndex(80))))
        try writer.createGroup(.two, incarnation: .second, configuration: .three)
        writer.close()
        let isAboutMovedRecord = sql.hasPrefix("INSERT")
        try self.tamper(
            fixture,
            isAboutMovedRecord ? "UPDATE raft_group SET record = (SELECT record FROM raft_group WHERE id = 2)" : sql
        )

        let log = try fixture.open()
        let error = #expect(throws: RaftLogError.self) { try log.status(of: .one) }
        let write = #expect(throws: RaftLogError.self) { try log.append(.one(entries: .run(101...101, term: 1))) }

        #expect(error?.code == .corrupted)
        #expect(error?.group == .one)
        #expect(write?.code == .corrupted)
        #expect(try log.groups() == [.one, .two])
        if !sql.contains("raft_group") { try log.append(LogWrite(group: .two, incarnation: .second)) }
        try log.deleteGroup(.one, incarnation: .first)
        try log.createGroup(.one, incarnation: .second, configuration: .three)
        #expect(try log.status(of: .one).isEmpty)
    }

    /// Flips one bit of a file and opens the log: it must be refused as corrupted, or hold exactly what was written.
    private func openFlipped(_ fixture: LogFixture, file: String, byte: Int, expected: [LogEntry]) throws -> Bool {
        let url = URL(fileURLWithPath: fixture.path(file))
        let original = try Data(contentsOf: url)
        defer { try? original.write(to: url) }
        var damaged = original
        damaged[byte % damaged.count] ^= 1 << UInt8(byte % 8)
        try damaged.write(to: url)
        do {
            let log = try fixture.open(mustExist: true)
            defer { log.close() }
            let entries = try log.all()
            #expect(entries == expected, "A flip at \(byte) of \(file) was accepted")
            return false
        } catch let error as RaftLogError {
            #expect([.corrupted, .foreignIdentity, .newerVersion, .failed].contains(error.code), "\(error) at \(byte)")
            return true
        }
    }

    @Test func `a flipped bit of the database file is found or does no harm`() throws {
        let fixture = try LogFixture()
        let log = try fixture.openWithEntries(200)
        try log.append(.one(HardState(term: Term(1), commit: LogIndex(200))))
        log.close()
        let size = try Data(contentsOf: URL(fileURLWithPath: fixture.path("raft.db"))).count
        try Data().write(to: URL(fileURLWithPath: fixture.path("raft.db-wal")))

        var found = 0
        for byte in stride(from: 7, to: size, by: 211) {
            if try self.openFlipped(fixture, file: "raft.db", byte: byte, expected: .run(1...200, term: 1)) {
                found += 1
            }
            try Data().write(to: URL(fileURLWithPath: fixture.path("raft.db-wal")))
        }

        #expect(found > 20)
    }

    @Test func `a flipped bit of the write-ahead file is found, but for the last transactions`() throws {
        let fixture = try LogFixture()
        let log = try fixture.openWithEntries(1)
        for index in 2...30 as ClosedRange<UInt64> {
            let hardState = HardState(term: Term(1), commit: LogIndex(index))
            try log.append(.one(hardState, entries: .run(index...index, term: 1)))
        }
        let copy = try LogFixture()
        for name in ["raft.db", "raft.db-wal"] {
            try FileManager.default.copyItem(atPath: fixture.path(name), toPath: copy.path(name))
        }
        let wal = try Data(contentsOf: URL(fileURLWithPath: copy.path("raft.db-wal")))
        let database = try Data(contentsOf: URL(fileURLWithPath: copy.path("raft.db")))
        let frames = (wal.count - 32) / 4120

        for frame in 0..<(frames - 8) {
            let byte = 32 + frame * 4120 + (frame * 1009) % 4120
            #expect(try self.openFlipped(copy, file: "raft.db-wal", byte: byte, expected: []), "frame \(frame)")
            try database.write(to: URL(fileURLWithPath: copy.path("raft.db")))
        }
        for byte in [1, 9, 13, 17, 21, 25, 30] {
            #expect(try self.openFlipped(copy, file: "raft.db-wal", byte: byte, expected: []), "header \(byte)")
            try database.write(to: URL(fileURLWithPath: copy.path("raft.db")))
        }
        log.close()
    }

    @Test func `a write-ahead file cut anywhere gives a prefix of the log`() throws {
        let fixture = try LogFixture()
        let log = try fixture.openWithEntries(1)
        for index in 2...10 as ClosedRange<UInt64> { try log.append(.one(entries: .run(index...index, term: 1))) }
        let wal = try Data(contentsOf: URL(fileURLWithPath: fixture.path("raft.db-wal")))
        let database = try Data(contentsOf: URL(fileURLWithPath: fixture.path("raft.db")))
        log.close()

        var lengths = Set<Int>()
        for length in stride(from: wal.count, through: wal.count - 6 * 4120, by: -1373) {
            let copy = try LogFixture()
            try database.write(to: URL(fileURLWithPath: copy.path("raft.db")))
            try wal.prefix(length).write(to: URL(fileURLWithPath: copy.path("raft.db-wal")))
            let entries = try copy.open(mustExist: true).all()
            #expect(entries == Array([LogEntry].run(1...10, term: 1).prefix(entries.count)))
            lengths.insert(entries.count)
        }

        #expect(lengths.count > 3)
    }

    @Test func `a file of another node, of a newer release or that is no log is refused`() throws {
        let fixture = try LogFixture()
        try fixture.openWithEntries(1).close()

        let foreign = #expect(throws: RaftLogError.self) {
            try fixture.open(identity: LogIdentity(node: NodeID(2), directory: LogFixture.identity.directory))
        }
        let moved = #expect(throws: RaftLogError.self) {
            try fixture.open(identity: LogIdentity(node: NodeID(1), directory: 5))
        }
        try self.tamper(fixture, "PRAGMA user_version = 2")
        let newer = #expect(throws: RaftLogError.self) { try fixture.open() }
        try self.tamper(fixture, "PRAGMA user_version = 0")
        let nameless = #expect(throws: RaftLogError.self) { try fixture.open() }

        #expect(foreign?.code == .foreignIdentity)
        #expect(moved?.code == .foreignIdentity)
        #expect(newer?.code == .newerVersion)
        #expect(newer?.message == "Expected a log of at most version 1, but got version 2")
        #expect(nameless?.code == .corrupted)
    }

    @Test func `a log that must exist is not made`() throws {
        let fixture = try LogFixture()

        #expect(throws: RaftLogError.self) { try fixture.open(mustExist: true) }
        try Data().write(to: URL(fileURLWithPath: fixture.path("raft.db")))
        let empty = #expect(throws: RaftLogError.self) { try fixture.open(mustExist: true) }

        #expect(empty?.code == .corrupted)
    }

    @Test func `a second opening is refused while the first one lasts`() throws {
        let fixture = try LogFixture()
        let log = try fixture.openWithEntries(1)

        let error = #expect(throws: RaftLogError.self) { try fixture.open() }
        log.close()

        #expect(error?.code == .locked)
        #expect(try fixture.open().all() == .run(1...1, term: 1))
    }
}
