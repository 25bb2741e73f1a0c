import Foundation
import ProcessEngine
import SQLite
import Testing

@testable import StateStore

@Suite struct TransactionTests {
    @Test func `a rollback to the savepoint restores what was there before it`() throws {
        let state = try openState()
        try state.insert(Sample.job(1))
        try state.addTakenFlow(Sample.takenFlow(count: 1))
        let before = try state.job(Sample.key(1))

        try state.setSavepoint()
        try state.insert(Sample.job(2))
        try state.setJobActivated(Sample.key(1), worker: "w", deadline: 5, at: 4)
        try state.removeTakenFlow(scope: Sample.key(1), gateway: 2, flow: 3)
        try state.rollBackToSavepoint()

        #expect(try state.job(Sample.key(1)) == before)
        #expect(try state.job(Sample.key(2)) == nil)
        #expect(try state.takenFlows(scope: Sample.key(1), gateway: 2).count == 1)
        #expect(try state.activatableJobs(type: "ship", tenantIDs: ["tenant-a"], limit: 9).map(\.key.counter) == [1])
    }

    @Test func `a released savepoint keeps its changes, and the next one starts from there`() throws {
        let state = try openState()
        for counter in [1, 2, 3] as [Int64] {
            try state.setSavepoint()
            try state.insert(Sample.job(counter))
            if counter == 2 { try state.rollBackToSavepoint() } else { try state.releaseSavepoint() }
        }
        try state.commit(Sample.position(1))

        #expect(try state.job(Sample.key(1)) != nil)
        #expect(try state.job(Sample.key(2)) == nil)
        #expect(try state.job(Sample.key(3)) != nil)
    }

    @Test func `a rollback restores rows and position`() throws {
        let state = try openState()
        try state.insert(Sample.instance(100))
        try state.commit(Sample.position(3))

        try state.begin()
        try state.endProcessInstance(Sample.key(100), state: .terminated, at: 5)
        try state.insert(Sample.job(1))
        try state.setSavepoint()
        try state.insert(Sample.job(2))
        try state.rollback()
        try state.rollback()

        #expect(state.position == Sample.position(3))
        #expect(try state.processInstance(Sample.key(100)) == Sample.instance(100))
        #expect(try state.job(Sample.key(1)) == nil)
        #expect(try state.finishedInstances(limit: 9).isEmpty)
        try state.begin()
        try state.commit(Sample.position(4))
    }

    @Test func `a state that is opened again shows its rows and its position`() throws {
        try withFolder { folder in
            do {
                let state = try SQLiteState(folder: folder)
                #expect(state.position == StatePosition())
                try state.begin()
                try state.insert(Sample.instance(100))
                try state.commit(StatePosition(appliedIndex: .max, appliedTerm: 7, time: -1, keyCounter: .max))
                try state.begin()
                try state.insert(Sample.instance(101))
            }

            let state = try SQLiteState(folder: folder)

            #expect(state.position == StatePosition(appliedIndex: .max, appliedTerm: 7, time: -1, keyCounter: .max))
            #expect(try state.processInstance(Sample.key(100)) == Sample.instance(100))
            #expect(try state.processInstance(Sample.key(101)) == nil)
        }
    }

    @Test func `only a commit that was asked to be durable moves the durable index`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            func commit(_ index: UInt64) throws {
                try state.begin()
                try state.insert(Sample.job(Int64(index)))
                try state.commit(Sample.position(index))
            }
            try commit(1)
            #expect(state.durableAppliedIndex == 0)

            state.requestDurableCommit()
            #expect(state.durableAppliedIndex == 0)
            try commit(2)
            #expect(state.durableAppliedIndex == 2)

            try commit(3)
            #expect(state.durableAppliedIndex == 2)
            #expect(try SQLiteState(folder: folder).durableAppliedIndex == 2)
        }
    }

    @Test func `a durable commit that was rolled back is made up for by the next one`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            state.requestDurableCommit()
            try state.begin()
            try state.rollback()
            #expect(state.durableAppliedIndex == 0)

            try state.begin()
            try state.commit(Sample.position(5))

            #expect(state.durableAppliedIndex == 5)
        }
    }

    @Test func `a commit is durable by itself after enough bytes`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder, options: StateOptions(durableCommitBytes: 20_000))
            var durable: [UInt64] = []
            for index in 1...12 as ClosedRange<UInt64> {
                try state.begin()
                try state.insert(Sample.variable(Int64(index), instance: 1, name: "v\(index)"))
                try state.commit(Sample.position(index))
                durable.append(state.durableAppliedIndex)
            }

            #expect(durable.first == 0)
            #expect(durable.last != 0)
        }
    }

    @Test func `checkpoints keep the write-ahead log small`() throws {
        try withFolder { folder in
            let options = StateOptions(checkpointBytes: 64 << 10)
            let state = try SQLiteState(folder: folder, options: options)
            var checkpoints = 0
            var largest = 0
            for index in 1...200 as ClosedRange<UInt64> {
                try state.begin()
                try state.insert(Sample.variable(Int64(index), instance: 1, name: "variable-\(index)"))
                try state.commit(Sample.position(index))
                largest = max(largest, state.walBytes)
                if try state.checkpointIfNeeded() { checkpoints += 1 }
            }

            #expect(checkpoints > 1)
            // Making the tables takes more than all that follows.
            #expect(largest < 256 << 10)
        }
    }

    @Test func `without checkpoints by the driver the write-ahead log stays bounded`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder, options: StateOptions(checkpointBytes: 64 << 10))
            var largest = 0
            for index in 1...200 as ClosedRange<UInt64> {
                try state.begin()
                try state.insert(Sample.variable(Int64(index), instance: 1, name: "variable-\(index)"))
                try state.commit(Sample.position(index))
                largest = max(largest, state.walBytes)
            }

            #expect(largest < 400 << 10)
        }
    }

    @Test func `a reader sees committed rows only and cannot write`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            try state.begin()
            try state.insert(Sample.job(1))
            try state.commit(Sample.position(1))
            try state.begin()
            try state.insert(Sample.job(2))

            let reader = try state.openReader()

            #expect(try reader.int64("SELECT count(*) FROM job") == 1)
            try state.commit(Sample.position(2))
            #expect(try reader.int64("SELECT count(*) FROM job") == 2)
            #expect(throws: SQLiteError.self) { try reader.execute("DELETE FROM job") }
        }
    }

    @Test func `a state in memory has no reader`() throws {
        let error = try #require(throws: StateStoreError.self) { try SQLiteState.inMemory().openReader() }

        #expect(error.code == .noFile)
    }

    @Test func `the database of a newer version is refused and left alone`() throws {
        try withFolder { folder in
            do {
                let state = try SQLiteState(folder: folder)
                try state.begin()
                try state.insert(Sample.job(1))
                try state.commit(Sample.position(1))
            }
            let path = "\(folder)/\(StateFile.name)"
            try Database(path: path).setUserVersion(Int32(Schema.level) + 1)

            let error = try #require(throws: StateStoreError.self) { try SQLiteState(folder: folder) }
            let readerError = try #require(throws: StateStoreError.self) { try StateFile(path: path).openReader() }

            #expect(error.code == .newerSchema)
            #expect(error.description.contains("the data folder was written by a newer version"))
            #expect(readerError == error)
            #expect(try Database(path: path).int64("SELECT count(*) FROM job") == 1)
        }
    }

    @Test func `the database of another program is refused`() throws {
        try withFolder { folder in
            try Database(path: "\(folder)/\(StateFile.name)").execute("CREATE TABLE other(x)")

            let error = try #require(throws: StateStoreError.self) { try SQLiteState(folder: folder) }

            #expect(error.code == .foreignDatabase)
        }
    }

    @Test func `a file that is no database is reported as SQLite reports it`() throws {
        try withFolder { folder in
            let text = [UInt8](repeating: UInt8(ascii: "x"), count: 8192)
            try #require(FileManager.default.createFile(atPath: "\(folder)/\(StateFile.name)", contents: Data(text)))

            let error = try #require(throws: SQLiteError.self) { try SQLiteState(folder: folder) }

            #expect(error.isCorrupt)
        }
    }

    @Test(arguments: [0.0, 0.2, 0.5, 0.9, 0.999])
    func `a torn write-ahead log loses the newest commits and nothing else`(kept: Double) throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            try state.database.checkpoint(.truncate)
            for index in 1...20 as ClosedRange<UInt64> {
                try state.begin()
                try state.insert(Sample.job(Int64(index)))
                try state.insert(Sample.variable(Int64(index) + 100, instance: 1, name: "v\(index)"))
                try state.commit(Sample.position(index))
            }
            let torn = "\(folder)/torn"
            try FileManager.default.createDirectory(atPath: torn, withIntermediateDirectories: false)
            let name = StateFile.name
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(torn)/\(name)")
            let log = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)-wal"))
            try log.prefix(Int(Double(log.count) * kept)).write(to: URL(fileURLWithPath: "\(torn)/\(name)-wal"))

            let left = try SQLiteState(folder: torn)

            let applied = left.position.appliedIndex
            #expect(applied < 20)
            #expect(applied > 0 || kept < 0.2)
            for index in 1...20 as ClosedRange<UInt64> {
                #expect(try (left.job(Sample.key(Int64(index))) != nil) == (index <= applied))
            }
            let variables = try left.variables(scope: Sample.key(1), processInstance: Sample.key(1))
            #expect(variables.count == Int(applied))
        }
    }

    @Test func `a full disk is reported, undone and survived`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            let pages = try #require(try state.database.int64("PRAGMA page_count"))
            let large = Sample.variable(2, instance: 1, name: "b", value: String(repeating: "x", count: 100_000))
            try state.database.execute("PRAGMA max_page_count=\(pages + 2)")
            try state.begin()
            try state.setSavepoint()
            try state.insert(Sample.variable(1, instance: 1, name: "a"))

            let error = try #require(throws: SQLiteError.self) { try state.insert(large) }

            #expect(error.isDiskFull)
            #expect((error as any Error as? any StorageFailure)?.isOutOfSpace == true)
            try state.rollback()
            #expect(try state.variables(scope: Sample.key(1), processInstance: Sample.key(1)).isEmpty)
            try state.database.execute("PRAGMA max_page_count=1000000")
            try state.begin()
            try state.insert(large)
            try state.commit(Sample.position(1))
            #expect(try state.variables(scope: Sample.key(1), processInstance: Sample.key(1)) == [large])
        }
    }

    @Test func `a stored value that no version writes is reported with its column`() throws {
        try withFolder { folder in
            let state = try SQLiteState(folder: folder)
            try state.begin()
            try state.insert(Sample.job(1))
            try state.insert(Sample.answered("a", at: 1))
            try state.commit(Sample.position(1))
            let other = try Database(path: "\(folder)/\(StateFile.name)")
            try other.execute("UPDATE job SET mark = 99; UPDATE answered_request SET answer = x'0000'")

            let error = try #require(throws: StateStoreError.self) { try state.job(Sample.key(1)) }
            let answerError = try #require(throws: StateStoreError.self) { try state.answeredRequest(RequestID("a")) }

            #expect(error.code == .invalidRow)
            #expect(error.description.hasPrefix("Expected a JobMark, but got 99"))
            #expect(answerError.code == .invalidRow)
        }
    }
}

extension Sample {
    static func takenFlow(count: Int32) -> TakenFlowRecord {
        TakenFlowRecord(scopeKey: key(1), processInstanceKey: key(9), gateway: 2, flow: 3, count: count)
    }
}
