import Foundation
import ProcessEngine
import SQLite
import StateStore
import Testing

private struct Fixture {
    let world: SearchWorld
    let folder: HistoryFolder
    let archiver: HistoryArchiver
    let pool: ReaderPool

    init(_ world: SearchWorld, retention: Duration = .seconds(80)) throws {
        self.world = world
        self.folder = try HistoryFolder(path: world.historyPath, group: 1)
        self.archiver = try HistoryArchiver(live: world.live, folder: self.folder, retention: retention)
        self.pool = ReaderPool(live: world.live, history: self.folder)
    }

    func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.world.historyPath + "/1/0").sorted()
    }

    func expectAllRowsOnce(sourceLocation: SourceLocation = #_sourceLocation) throws {
        for view in ViewKind.allCases {
            let page = try self.pool.search(SearchRequest(view: view, limit: 10_000))
            #expect(page.rows == self.world.rows[view]?.map { $0.row }, sourceLocation: sourceLocation)
        }
    }
}

private func world(_ seed: UInt64, instances: Int) throws -> SearchWorld {
    let world = try SearchWorld(seed: seed)
    for _ in 0..<instances { try world.addInstance() }
    return world
}

private func entries(_ range: ClosedRange<UInt64>, bytes: Int = 3) -> [HistoryEntry] {
    range.map { index in
        let payload = Array(repeating: UInt8(index & 255), count: bytes)
        return HistoryEntry(index: index, term: 2, time: Int64(index), payload: payload)
    }
}

@Suite struct HistoryTests {
    @Test func `a crash between copying and deleting leaves no instance twice`() throws {
        // given: copied, and nothing deleted
        let world = try world(1, instances: 30)
        let before = try Fixture(world)
        let copied = try before.archiver.archive(limit: 10, now: 1_000)
        #expect(copied.map { $0.rawValue } == Array(world.finished.sorted().prefix(10)))

        // when: started again, in the time of the next partition
        let after = try Fixture(world)
        let again = try after.archiver.archive(limit: 15, now: 11_000)

        // then
        #expect(Array(again.prefix(10)) == copied && again.count == 15)
        try after.expectAllRowsOnce()
        try world.remove(again)
        try after.expectAllRowsOnce()
        #expect(after.folder.partitions.count == 2)
    }

    @Test func `a partition that was not finished before a crash is made anew`() throws {
        // given
        let world = try world(2, instances: 10)
        _ = try Fixture(world)
        let path = world.historyPath + "/1/0/0.db"
        #expect(FileManager.default.createFile(atPath: path, contents: Data()))
        #expect(FileManager.default.createFile(atPath: world.historyPath + "/1/0/7.db-wal", contents: Data([1])))

        // when
        let fixture = try Fixture(world)
        #expect(fixture.folder.partitions.isEmpty)
        #expect(try fixture.files().isEmpty)
        try world.remove(try fixture.archiver.archive(limit: 100, now: 0))

        // then
        try fixture.expectAllRowsOnce()
    }

    @Test func `after a power cut nothing is copied before the state has caught up`() throws {
        // given: an instance is in the history and deleted from the state
        let world = try world(3, instances: 12)
        try world.setAppliedIndex(10)
        let backup = world.folder + "/backup.db"
        try world.database.execute("VACUUM INTO '\(backup)'")
        let finished = world.finished
        let before = try Fixture(world)
        try world.remove(try before.archiver.archive(limit: 100, now: 1_000))
        try before.expectAllRowsOnce()

        // when: the state comes back as it was earlier, and a new partition begins
        before.pool.close()
        let restored = StateFile(path: backup)
        let writer = try Database(path: backup, options: DatabaseOptions(synchronous: .off))
        try writer.execute("UPDATE engine_position SET appliedIndex = 5; DELETE FROM finished_instance")
        let folder = try HistoryFolder(path: world.historyPath, group: 1)
        let archiver = try HistoryArchiver(live: restored, folder: folder, retention: .seconds(80))
        let early = try archiver.archive(limit: 100, now: 20_000)
        for key in finished { try writer.execute("INSERT INTO finished_instance VALUES(\(key))") }
        let stillEarly = try archiver.archive(limit: 100, now: 20_000)
        try writer.execute("UPDATE engine_position SET appliedIndex = 10")
        let caughtUp = try archiver.archive(limit: 100, now: 20_000)

        // then
        #expect(early.isEmpty && stillEarly.isEmpty)
        #expect(caughtUp.map { $0.rawValue } == finished.sorted())
        let pool = ReaderPool(live: restored, history: folder)
        let page = try pool.search(SearchRequest(view: .elementInstance, limit: 10_000))
        #expect(page.rows == world.rows[.elementInstance]?.map { $0.row })
        for key in finished {
            try writer.execute("DELETE FROM process_instance WHERE processInstanceKey = \(key)")
            try writer.execute("DELETE FROM element_instance WHERE processInstanceKey = \(key)")
        }
        let afterwards = try pool.search(SearchRequest(view: .elementInstance, limit: 10_000))
        #expect(afterwards.rows == page.rows)
    }

    @Test func `what the state's writer removes is found in the history only`() throws {
        // given
        let world = try world(13, instances: 20)
        let fixture = try Fixture(world)
        let state = try SQLiteState(folder: world.folder)

        // when
        let copied = try fixture.archiver.archive(limit: 7, now: 0)
        try state.begin()
        try state.removeArchived(instances: copied)
        let duringRemoval = try fixture.archiver.archive(limit: 7, now: 0)
        try fixture.expectAllRowsOnce()
        try state.commit(StatePosition(appliedIndex: 1))

        // then
        #expect(duringRemoval == copied && copied.count == 7)
        #expect(try fixture.archiver.archive(limit: 100, now: 0).count == world.finished.count - 7)
        try fixture.expectAllRowsOnce()
    }

    @Test func `the state shows an instance that a later history has too`() throws {
        // given: the history's copy is marked, to tell it from the state's row
        let world = try world(4, instances: 1)
        var key: Int64 = 0
        while world.finished.isEmpty { try world.addInstance() }
        key = world.finished[0]
        let fixture = try Fixture(world)
        _ = try fixture.archiver.archive(limit: 1, now: 0)
        let partition = try Database(path: world.historyPath + "/1/0/0.db")
        try partition.execute("UPDATE process_instance SET businessId = 'history'")

        // when
        let filter = SearchFilter.compare(field: 15, .equal, values: [.text("history")])
        let before = try fixture.pool.search(SearchRequest(view: .processInstance, filter: filter))
        try world.remove([Key(key)])
        let after = try fixture.pool.search(SearchRequest(view: .processInstance, filter: filter))

        // then
        #expect(before.rows.isEmpty && before.totalItems == 0)
        #expect(after.rows.count == 1 && after.totalItems == 1)
    }

    @Test func `partitions are dropped when their retention is over, and the disk levels off`() throws {
        // given
        let world = try SearchWorld(seed: 5)
        let fixture = try Fixture(world)
        var most = 0

        // when: a minute and a half of retention, ten minutes of work
        for step in 0..<60 {
            let now = Int64(step) * 10_000
            try world.addInstance()
            try world.remove(try fixture.archiver.archive(limit: 100, now: now))
            try fixture.archiver.append(entries: entries(UInt64(step + 1)...UInt64(step + 1)), now: now)
            _ = try fixture.pool.search(SearchRequest(view: .variable))
            try fixture.archiver.dropExpired(now: now, readers: fixture.pool)
            most = max(most, try fixture.files().count)
        }

        // then
        #expect(fixture.archiver.partitionLength == 10_000)
        #expect(fixture.folder.partitions.map { $0.start } == (51...59).map { $0 * 10_000 })
        #expect(most <= 3 * 10)
        let starts = try fixture.files().map { $0.split(separator: ".").first.flatMap { Int64($0) } ?? 0 }
        #expect(starts.allSatisfy { $0 >= 510_000 })
        let found = try fixture.pool.search(SearchRequest(view: .processInstance, limit: 10_000)).rows
        #expect(found.count < 60 && found.count >= 9)
    }

    @Test func `an idle group keeps its position though all its history expires`() throws {
        // given
        let world = try world(6, instances: 5)
        try world.setAppliedIndex(40)
        let fixture = try Fixture(world)
        try fixture.archiver.append(entries: entries(1...30), now: 0)
        try world.remove(try fixture.archiver.archive(limit: 100, now: 0))

        // when
        let dropped = try fixture.archiver.dropExpired(now: 1_000_000, readers: fixture.pool)

        // then
        #expect(dropped.map { $0.start } == [0])
        #expect(fixture.folder.partitions.map { $0.start } == [1_000_000])
        #expect(try Fixture(world).archiver.appliedIndex == 30)
        try world.setAppliedIndex(39)
        #expect(try Fixture(world).archiver.archive(limit: 1, now: 1_000_000).isEmpty)
        #expect(try fixture.pool.entries(after: 0, limit: 100).isEmpty)
    }

    @Test func `a reader survives that a partition vanishes while it is listed as known`() throws {
        // given: a pool that has the partition open
        let world = try world(7, instances: 20)
        let fixture = try Fixture(world)
        try world.remove(try fixture.archiver.archive(limit: 100, now: 0))
        try fixture.expectAllRowsOnce()

        // when: dropped without telling the pool
        try fixture.archiver.dropExpired(now: 1_000_000, readers: nil)
        let page = try fixture.pool.search(SearchRequest(view: .processInstance, limit: 10_000))

        // then: only what the state holds
        #expect(page.rows.allSatisfy { $0.values[11] == .text("ACTIVE") })
        #expect(page.totalItems == page.rows.count)
    }

    @Test func `the event stream keeps positions, takes repetitions and spans partitions`() throws {
        // given
        let world = try SearchWorld(seed: 8)
        let fixture = try Fixture(world)
        try fixture.archiver.append(entries: entries(5...20), now: 0)
        try fixture.archiver.append(entries: entries(10...30), now: 10_000)
        try fixture.archiver.append(entries: entries(10...30), now: 20_000)

        // when
        let again = try Fixture(world)
        try again.archiver.append(entries: entries(25...40), now: 20_000)

        // then
        #expect(again.archiver.appliedIndex == 40)
        #expect(try again.pool.entries(after: 0, limit: 100) == entries(5...40))
        #expect(try again.pool.entries(after: 18, limit: 5) == entries(19...23))
        #expect(try again.pool.entries(after: 40, limit: 5).isEmpty)
        #expect(try again.pool.entries(after: 0, limit: 100, byteLimit: 7) == entries(5...7))
        #expect(throws: SearchError.self) { try again.pool.entries(after: 0, limit: 0) }
    }

    @Test func `time that goes back stays in the newest partition`() throws {
        let fixture = try Fixture(try SearchWorld(seed: 9))
        try fixture.archiver.append(entries: entries(1...1), now: 100_000)

        try fixture.archiver.append(entries: entries(2...2), now: 5_000)

        #expect(fixture.folder.partitions.map { $0.start } == [100_000])
        #expect(try fixture.pool.entries(after: 0, limit: 9).map { $0.index } == [1, 2])
    }

    @Test func `a longer retention makes longer partitions after those that are there`() throws {
        let world = try SearchWorld(seed: 10)
        let short = try Fixture(world)
        try short.archiver.append(entries: entries(1...1), now: 25_000)

        let long = try Fixture(world, retention: .seconds(8_000_000))
        try long.archiver.append(entries: entries(2...2), now: 31_000)

        #expect(long.archiver.partitionLength == 86_400_000)
        #expect(long.folder.partitions.map { $0.start } == [20_000, 30_000])
        #expect(long.folder.partitions.map { $0.end } == [30_000, 86_400_000])
    }

    @Test func `the history of another group is refused`() throws {
        let world = try SearchWorld(seed: 11)
        try Fixture(world).archiver.append(entries: entries(1...1), now: 0)
        try FileManager.default.copyItem(atPath: world.historyPath + "/1", toPath: world.historyPath + "/2")

        #expect(throws: StateStoreError.self) { try HistoryFolder(path: world.historyPath, group: 2) }
    }

    @Test func `searches on many threads see every row once while the archiver works`() throws {
        // given
        let world = try world(12, instances: 200)
        let fixture = try Fixture(world)
        let (pool, expected) = (fixture.pool, world.rows[.elementInstance]?.map { $0.row } ?? [])

        // when: readers on threads of their own, the archiver on this one
        let results = ResultList()
        let threads = (0..<3).map { _ in
            Thread {
                for _ in 0..<15 {
                    let page = Result { try pool.search(SearchRequest(view: .elementInstance, limit: 10_000)) }
                    results.add((try? page.get().rows) == expected)
                }
                results.finish()
            }
        }
        for thread in threads { thread.start() }
        var now: Int64 = 0
        while !world.finished.isEmpty {
            try world.remove(try fixture.archiver.archive(limit: 3, now: now))
            now += 500
        }
        results.waitForAll(threads.count)

        // then
        #expect(results.values == Array(repeating: true, count: 45))
    }
}

/// What threads found out.
private final class ResultList: @unchecked Sendable {
    // Guarded by the condition.
    private var list: [Bool] = []
    private var finished = 0
    private let condition = NSCondition()

    var values: [Bool] { self.condition.withLock { self.list } }

    func add(_ value: Bool) { self.condition.withLock { self.list.append(value) } }

    func finish() {
        self.condition.withLock {
            self.finished += 1
            self.condition.signal()
        }
    }

    func waitForAll(_ count: Int) {
        self.condition.withLock {
            while self.finished < count { self.condition.wait() }
        }
    }
}
