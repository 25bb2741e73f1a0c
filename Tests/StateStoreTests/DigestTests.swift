import Foundation
import ProcessEngine
import SQLite
import Testing

@testable import StateStore

@Suite struct DigestTests {
    @Test func `an empty state has the digest of nothing`() throws {
        let state = try SQLiteState.inMemory()

        #expect(state.digest == StateDigest())
        #expect(try SQLiteState.recomputeDigest(state.database) == state.digest)
    }

    @Test func `the digest of a known state never changes`() throws {
        let state = try openState()
        try fillEverything(state)
        try state.commit(Sample.position(1))

        // Another value here means that nodes of two versions would accuse each other.
        #expect(state.digest.description == "2:4dac877e8bb764f2efe39b82ce55d52e")
    }

    @Test func `every table of the schema is known, and every replicated one counts`() throws {
        let state = try openState()
        let known = Schema.replicatedTables.map(\.name) + Schema.untrackedTables
        let tables = try texts("SELECT name FROM sqlite_schema WHERE type = 'table'", state.database)
        #expect(tables.sorted() == known.sorted())
        #expect(Set(Schema.replicatedTables.map(\.number)).count == Schema.replicatedTables.count)

        try fillEverything(state)

        for (name, _) in Schema.replicatedTables {
            #expect(try state.database.int64("SELECT count(*) FROM \(name)") ?? 0 > 0, "\(name)")
        }
        try state.commit(Sample.position(1))
        #expect(try SQLiteState.recomputeDigest(state.database) == state.digest)
    }

    @Test func `every value of every row counts, and so does every row`() throws {
        let state = try openState()
        try fillEverything(state)
        try state.commit(Sample.position(1))
        let before = state.digest
        var seen: Set<StateDigest> = [before]
        var changes = 0
        for (table, _) in Schema.replicatedTables {
            let key = try texts(
                "SELECT group_concat(name) FROM pragma_table_info('\(table)') WHERE pk > 0",
                state.database
            )
            for column in try texts("SELECT name FROM pragma_table_info('\(table)')", state.database) {
                let type = try texts(
                    "SELECT type FROM pragma_table_info('\(table)') WHERE name = '\(column)'",
                    state.database
                )[0]
                if table == "membership", column == "id" { continue }
                let change =
                    switch type {
                    case "INTEGER": "ifnull(\(column), 0) + 1000003"
                    case "TEXT": "ifnull(\(column), '') || 'x'"
                    default: "CAST(\(column) || x'00' AS BLOB)"
                    }
                let row = "(\(key[0])) IN (SELECT \(key[0]) FROM \(table) LIMIT 1)"
                try expectNewDigest("UPDATE \(table) SET \(column) = \(change) WHERE \(row)", state, &seen)
                changes += 1
            }
            try expectNewDigest("DELETE FROM \(table)", state, &seen)
        }
        #expect(changes > 120)
        #expect(state.digest == before)
    }

    /// Makes a change by plain SQL, compares, and takes it back.
    private func expectNewDigest(_ sql: String, _ state: SQLiteState, _ seen: inout Set<StateDigest>) throws {
        let before = state.digest
        try state.begin()
        try state.setSavepoint()
        try state.database.execute(sql)
        #expect(seen.insert(state.digest).inserted, "\(sql)")
        try state.releaseSavepoint()
        let kept = state.digest
        try state.commit(state.position)
        #expect(try SQLiteState.recomputeDigest(state.database) == kept, "\(sql)")
        // Back to the state before, by the road of another history.
        try state.begin()
        for (table, _) in Schema.replicatedTables { try state.database.execute("DELETE FROM \(table)") }
        #expect(state.digest == StateDigest())
        try fillEverything(state)
        try state.commit(state.position)
        #expect(state.digest == before, "\(sql)")
    }

    @Test func `what a compiled update sets is what counts`() throws {
        let state = try openState()
        try fillEverything(state)
        let before = state.digest
        var seen: Set<StateDigest> = [before]
        for sql in [
            "UPDATE job SET retries = retries + 1", "UPDATE job SET retries = priority, priority = retries",
            "UPDATE job SET worker = errorMessage, errorMessage = worker", "UPDATE job SET errorCode = NULL",
            "UPDATE job SET jobKey = jobKey + 1000", "UPDATE job SET (type, worker) = (worker, type)",
            "UPDATE OR REPLACE job SET jobKey = 7", "UPDATE taken_flow SET count = count + 1",
            "UPDATE taken_flow SET gateway = gateway + 1", "UPDATE outbox SET answer = x'0102' WHERE sequence > 0",
            "INSERT INTO job SELECT * FROM job WHERE true ON CONFLICT DO UPDATE SET state = 5, endTime = 9",
            "REPLACE INTO group_link VALUES(2, 8, 8)", "UPDATE variable SET value = CAST(x'31' AS TEXT)",
        ] {
            try state.setSavepoint()
            try state.database.prepare(sql).run()

            #expect(seen.insert(state.digest).inserted, "\(sql)")
            #expect(try rowsDigest(state) == state.digest, "\(sql)")
            try state.rollBackToSavepoint()
            #expect(state.digest == before)
        }
    }

    @Test func `equal values in other places differ`() throws {
        var seen: Set<StateDigest> = []
        for (left, right) in [(1, 2), (2, 1), (1, 1), (2, 2)] {
            let state = try openState()
            for (key, value) in [(5, left), (6, right)] {
                try state.database.execute("INSERT INTO group_link VALUES(\(key), \(value), \(3 - value))")
            }
            #expect(seen.insert(state.digest).inserted)
        }
        #expect(seen.count == 4)
    }

    /// From the rows as the open transaction has them.
    private func rowsDigest(_ state: SQLiteState) throws -> StateDigest {
        let layouts = try RowLayout.read(state.database, numbers: Schema.replicatedTables)
        var rows = ContentHash()
        for (name, _) in Schema.replicatedTables {
            let layout = try #require(layouts[name])
            let statement = try state.database.prepare("SELECT * FROM \(name)")
            while try statement.step() { rows = rows + statement.rowHash(layout) }
        }
        return StateDigest(ContentTracker.Content(rows: rows))
    }

    @Test func `empty, missing and zero values differ`() throws {
        var seen: Set<StateDigest> = []
        for value in ["NULL", "''", "'0'", "CAST(x'00' AS TEXT)", "'1234567'", "'12345678'"] {
            let state = try openState()
            try state.insert(Sample.userTask(1))
            try state.database.execute("UPDATE user_task SET name = \(value)")
            #expect(seen.insert(state.digest).inserted, "\(value)")
        }
        #expect(seen.count == 6)
    }

    @Test func `the order of changes and the layout of pages do not count`() throws {
        try withFolder { folder in
            let left = try openState()
            for counter in 1...50 as ClosedRange<Int64> { try left.insert(Sample.job(counter)) }
            let options = StateOptions(pageBytes: 1024)
            let right = try SQLiteState(folder: folder, options: options)
            try right.begin()
            for counter in (1...60 as ClosedRange<Int64>).reversed() {
                try right.insert(Sample.timer(counter, dueAt: 1))
                try right.insert(Sample.job(counter))
            }
            try right.commit(Sample.position(1))
            #expect(left.digest != right.digest)

            try right.begin()
            for counter in 1...60 as ClosedRange<Int64> { try right.removeTimer(Sample.key(counter)) }
            try right.database.execute("DELETE FROM job WHERE (jobKey & 255) > 50")
            try right.commit(Sample.position(2))

            #expect(left.digest == right.digest)
            #expect(try SQLiteState.recomputeDigest(right.openReader()) == left.digest)
            #expect(try SQLiteState(folder: folder, options: options).digest == left.digest)
        }
    }

    @Test func `savepoints and rollbacks bring the digest and the members back`() throws {
        let state = try openState()
        try state.insert(Sample.instance(100))
        try state.setMembership([1])
        try state.commit(Sample.position(1))
        let committed = state.digest

        try state.begin()
        try state.insert(Sample.job(1))
        try state.setMembership([1, 2])
        let outer = state.digest
        #expect(state.membership == [1])
        try state.setSavepoint()
        try state.removeArchived(instances: [Sample.key(100)])
        try state.setMembership([])
        try state.insert(Sample.job(2))
        #expect(state.digest != outer)
        try state.rollBackToSavepoint()
        #expect(state.digest == outer)
        try state.setSavepoint()
        try state.releaseSavepoint()
        #expect(state.digest == outer)
        try state.rollback()
        #expect(state.digest == committed)
        #expect(state.membership == [1])

        try state.begin()
        try state.commit(Sample.position(2))
        #expect(state.membership == [1])
        #expect(state.digest == committed)
        #expect(try SQLiteState.recomputeDigest(state.database) == committed)
    }

    @Test func `members are there again after a restart, and too many are refused`() throws {
        try withFolder { folder in
            let members = [UInt8](repeating: 7, count: StateLimits.membershipBytes)
            do {
                let state = try SQLiteState(folder: folder)
                #expect(state.membership.isEmpty)
                try state.begin()
                try state.setMembership(members)
                #expect(state.membership.isEmpty)
                try state.commit(Sample.position(1))
                #expect(state.membership == members)
                try state.begin()
                let error = try #require(throws: StateStoreError.self) { try state.setMembership(members + [1]) }
                #expect(error.code == .tooLarge)
                try state.rollback()
            }

            #expect(try SQLiteState(folder: folder).membership == members)
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `replicas that archive at other times have equal digests`(seed: UInt64) throws {
        try withFolder { folder in
            // given
            var random = SeededGenerator(seed: seed)
            var replicas = [try SQLiteState.inMemory(), try SQLiteState.inMemory(), try SQLiteState(folder: folder)]
            var history = InstanceHistory(seed: seed &+ 100)
            for index in 1...60 as ClosedRange<UInt64> {
                let entry = history.nextEntry()

                // when
                for (number, state) in replicas.enumerated() {
                    try state.begin()
                    // The first one never archives.
                    let count = number == 0 ? 0 : Int.random(in: -5..<6, using: &random)
                    if count > 0 {
                        let before = state.digest
                        try state.removeArchived(instances: try state.finishedInstances(limit: count))
                        #expect(state.digest == before)
                    }
                    for change in entry { try change(state) }
                    try state.commit(Sample.position(index))
                }
                if index % 20 == 0 { replicas[2] = try SQLiteState(folder: folder) }

                // then
                for state in replicas.dropFirst() { #expect(state.digest == replicas[0].digest, "entry \(index)") }
            }
            for state in replicas { #expect(try SQLiteState.recomputeDigest(state.database) == state.digest) }
            let left = try replicas.map { try $0.finishedInstances(limit: 999).count }
            #expect(left[0] > left[1])
        }
    }

    @Test func `a value that changed by itself is found`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            try state.begin()
            try fillEverything(state)
            try state.commit(Sample.position(1))
            let other = try Database(path: "\(folder)/\(StateFile.name)")
            try other.execute("UPDATE job SET retries = retries + 1 WHERE jobKey = (SELECT min(jobKey) FROM job)")

            let scan = try DigestScan(try state.openReader())
            var found: StateDigest?
            var steps = 0
            while found == nil {
                found = try scan.advance(rows: 3)
                steps += 1
            }

            #expect(scan.expected == state.digest)
            #expect(scan.position == Sample.position(1))
            #expect(found != scan.expected)
            #expect(found?.contradicts(scan.expected) == true)
            #expect(steps > 5)
        }
    }

    @Test func `a scan sees one moment while the writer goes on`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            try state.begin()
            try fillEverything(state)
            try state.commit(Sample.position(1))
            let expected = state.digest
            let scan = try DigestScan(try state.openReader())
            var found: StateDigest?
            var counter: Int64 = 5000
            while found == nil {
                found = try scan.advance(rows: 2)
                counter += 1
                try state.begin()
                try state.insert(Sample.job(counter))
                try state.commit(Sample.position(UInt64(counter)))
            }

            #expect(found == expected)
            #expect(state.digest != expected)
        }
    }

    @Test func `a digest comes back from its bytes`() throws {
        let digest = StateDigest(version: 3, high: 0x0102_0304_0506_0708, low: .max)

        #expect(digest.bytes.count == StateDigest.byteCount)
        #expect(digest.bytes[...9] == [3, 1, 2, 3, 4, 5, 6, 7, 8, 255])
        #expect(StateDigest(bytes: digest.bytes) == digest)
        #expect(StateDigest(bytes: digest.bytes.dropLast()) == nil)
        #expect(StateDigest(bytes: digest.bytes + [0]) == nil)
        #expect(digest.description == "3:0102030405060708ffffffffffffffff")
        #expect(!digest.contradicts(StateDigest(version: 2, high: 1, low: 1)))
        var writer = ByteWriter()
        digest.write(to: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try StateDigest(from: &reader) == digest)
        #expect(throws: DecodingFailure.self) { try StateDigest(from: &reader) }
    }

    private func texts(_ sql: String, _ database: Database) throws -> [String] {
        let statement = try database.prepare(sql)
        var texts: [String] = []
        while try statement.step() { texts.append(statement.text(0)) }
        return texts
    }
}

/// One or more rows in each replicated table.
func fillEverything(_ state: SQLiteState) throws {
    try state.insert(Sample.definition(1))
    try state.insert(ResourceRecord(key: Sample.key(3), name: "order.bpmn", content: [0, 1, 255]))
    try state.insert(Sample.startSubscription(4))
    try state.insert(Sample.instance(100))
    try state.insert(Sample.element(101, instance: 100, scope: 100))
    try state.insert(Sample.element(102, instance: 100))
    try state.addTakenFlow(Sample.takenFlow(count: 1))
    try state.addTakenFlow(Sample.takenFlow(count: 1))
    try state.insert(Sample.variable(103, instance: 100, name: "a"))
    try state.insert(Sample.job(104))
    try state.insert(Sample.job(105))
    try state.insert(Sample.userTask(106))
    try state.insert(Sample.timer(107, dueAt: 5))
    try state.insert(Sample.subscription(108))
    try state.insert(Sample.message(109))
    try state.insert(Sample.incident(110))
    try state.insert(ContinuationRecord(key: Sample.key(111), processInstanceKey: Sample.key(100), steps: []))
    try state.insert(Sample.answered("r-1", at: 5))
    try state.insert(Sample.answered("\u{1}1", at: 6))
    try state.insert(Sample.outbox(1))
    try state.setReceived(sourceGroup: 2, sequence: 3)
    try state.insert(QuarantineRecord(subject: "timer:1", incidentKey: Sample.key(110), at: 9))
    try state.insert(QuarantineRecord(subject: "timer:1", incidentKey: nil, at: 10))
    try state.setMembership([1, 2, 3])
}

/// Random entries that touch only instances which have not ended, as an engine's do.
private struct InstanceHistory {
    private var generator: SeededGenerator
    private var counter: Int64 = 0
    private var active: [Int64] = []

    init(seed: UInt64) { self.generator = SeededGenerator(seed: seed) }

    mutating func nextEntry() -> [(SQLiteState) throws -> Void] {
        var changes: [(SQLiteState) throws -> Void] = []
        for _ in 0..<Int.random(in: 1..<6, using: &self.generator) { changes.append(self.change()) }
        return changes
    }

    private mutating func change() -> (SQLiteState) throws -> Void {
        self.counter += 10
        let fresh = self.counter
        guard self.active.count > 2, let instance = self.active.randomElement(using: &self.generator) else {
            self.active.append(fresh)
            return { state in
                try state.insert(Sample.instance(fresh))
                try state.insert(Sample.element(fresh + 1, instance: fresh, scope: fresh))
            }
        }
        switch Int.random(in: 0..<6, using: &self.generator) {
        case 0:
            self.active.append(fresh)
            return { try $0.insert(Sample.instance(fresh)) }
        case 1: return { try $0.insert(Sample.variable(fresh, instance: instance, name: "v\(fresh)")) }
        case 2:
            return { state in
                try state.insert(Sample.job(fresh, instance: instance))
                try state.setJobActivated(Sample.key(fresh), worker: "w", deadline: fresh, at: 4)
            }
        case 3: return { try $0.insert(Sample.timer(fresh, dueAt: fresh, element: instance + 1)) }
        case 4: return { try $0.insert(Sample.incident(fresh, instance: instance)) }
        default:
            self.active.removeAll { $0 == instance }
            return { try $0.endProcessInstance(Sample.key(instance), state: .completed, at: fresh) }
        }
    }
}
