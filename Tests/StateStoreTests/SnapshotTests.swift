import Foundation
import ProcessEngine
import SQLite
import SimulatedDisk
import Testing

@testable import StateStore

@Suite struct SnapshotTests {
    @Test func `a snapshot becomes the same state and history in another place`() throws {
        try withNodes { sender, receiver in
            // given
            try sender.fill(instances: 40, archiving: 15)
            let expected = try sender.pool().search(SearchRequest(view: .processInstance, limit: 1000))

            // when
            let manifest = try sender.send(to: receiver)
            try SnapshotInstaller.verify(manifest, in: receiver.incoming)
            try receiver.install(manifest)

            // then
            let state = try receiver.folder.open(1, mayCreate: false)
            #expect(state.position == sender.state.position)
            #expect(state.durableAppliedIndex == state.position.appliedIndex)
            #expect(state.digest == sender.state.digest)
            #expect(state.membership == [9, 9])
            #expect(try SQLiteState.recomputeDigest(state.openReader()) == state.digest)
            let found = try receiver.pool(generation: 1).search(SearchRequest(view: .processInstance, limit: 1000))
            #expect(found.rows == expected.rows)
            #expect(found.totalItems == 40)
            #expect(try !FileManager.default.fileExists(atPath: receiver.folder.makeIncoming() + "/state.db"))
            // Both go on alike.
            for other in [sender.state, state] {
                try other.begin()
                try other.insert(Sample.job(9000))
                try other.commit(Sample.position(500))
            }
            #expect(state.digest == sender.state.digest)
        }
    }

    @Test func `an archiver goes on in a received history without losing or doubling anything`() throws {
        try withNodes { sender, receiver in
            try sender.fill(instances: 40, archiving: 15)
            try receiver.fill(instances: 3, archiving: 1)
            let archiver = try receiver.archiver()
            let pool = try receiver.pool()
            let manifest = try sender.send(to: receiver)
            try receiver.install(manifest)
            let state = try receiver.folder.open(1, mayCreate: false)
            let history = try #require(try receiver.folder.openHistory(1))

            try archiver.switchTo(live: receiver.folder.file(of: 1), folder: history)
            pool.switchTo(live: receiver.folder.file(of: 1), history: history)
            try receiver.folder.removeAll(except: 1)
            var rounds = 0
            while try !state.finishedInstances(limit: 1).isEmpty, rounds < 50 {
                let keys = try archiver.archive(limit: 7, now: 200_000)
                try state.begin()
                try state.removeArchived(instances: keys)
                try state.commit(state.position)
                rounds += 1
            }

            let page = try pool.search(SearchRequest(view: .processInstance, limit: 1000))
            #expect(page.rows.count == 40)
            #expect(Set(page.rows.map(\.values[0])).count == 40)
            #expect(state.digest == sender.state.digest)
            #expect(try FileManager.default.contentsOfDirectory(atPath: receiver.folder.path) == ["1"])
        }
    }

    @Test func `a snapshot is of one moment, while the writer and the archiver go on`() throws {
        try withNodes { sender, receiver in
            try sender.fill(instances: 200, archiving: 40)
            let position = sender.state.position
            let digest = sender.state.digest
            let archiver = try sender.archiver()
            var counter: Int64 = 50_000
            var pieces = 0

            let manifest = try sender.send(to: receiver) { _ in
                pieces += 1
                try sender.state.begin()
                for _ in 0..<50 {
                    counter += 1
                    try sender.state.insert(Sample.job(counter))
                }
                try sender.state.removeArchived(instances: archiver.archive(limit: 20, now: 30_000))
                try sender.state.commit(Sample.position(UInt64(counter)))
                try sender.state.checkpointIfNeeded()
            }
            try receiver.install(manifest)

            #expect(pieces > 1)
            #expect(manifest.position == position)
            #expect(manifest.digest == digest)
            let found = try receiver.pool(generation: 1).search(SearchRequest(view: .processInstance, limit: 1000))
            #expect(found.rows.count == 200)
        }
    }

    @Test func `a damaged or missing file is refused, wherever it is damaged`() throws {
        try withNodes { sender, receiver in
            try sender.fill(instances: 20, archiving: 10)
            let manifest = try sender.send(to: receiver)
            #expect(manifest.files.count > 1)
            for file in manifest.files {
                let path = "\(receiver.incoming)/\(file.name)"
                let contents = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
                for position in [0, 100, contents.count / 2, contents.count - 1] {
                    var damaged = contents
                    damaged[position] ^= 0x10
                    try Data(damaged).write(to: URL(fileURLWithPath: path))
                    #expect(throws: StateStoreError.self) { try SnapshotInstaller.verify(file, in: receiver.incoming) }
                }
                try Data(contents.dropLast()).write(to: URL(fileURLWithPath: path))
                #expect(throws: StateStoreError.self) { try SnapshotInstaller.verify(manifest, in: receiver.incoming) }
                try FileManager.default.removeItem(atPath: path)
                #expect(throws: StateStoreError.self) { try SnapshotInstaller.verify(manifest, in: receiver.incoming) }
                try Data(contents).write(to: URL(fileURLWithPath: path))
                #expect(SnapshotFile(name: file.name, contents: contents) == file)
            }
            try SnapshotInstaller.verify(manifest, in: receiver.incoming)
        }
    }

    @Test func `a state that is not what the manifest says is not installed`() throws {
        try withNodes { sender, receiver in
            try sender.fill(instances: 5, archiving: 0)
            let manifest = try sender.send(to: receiver)
            var wrong: [SnapshotManifest] = []
            for change in 0..<5 {
                var other = manifest
                switch change {
                case 0: other.position.appliedIndex += 1
                case 1: other.digest.low ^= 1
                case 2: other.membership = [1]
                case 3: other.group = 7
                default: other.schemaLevel -= 1
                }
                wrong.append(other)
            }
            for other in wrong {
                #expect(throws: StateStoreError.self) { try receiver.install(other) }
            }
            // Damaged at its sender, so that all hashes fit.
            let path = "\(receiver.incoming)/state.db"
            try Database(path: path).execute("UPDATE process_instance SET startDate = 1 WHERE startDate > 10")
            let error = try #require(throws: StateStoreError.self) { try receiver.install(manifest) }
            #expect(error.description.contains("is damaged"))
            #expect(throws: StateStoreError.self) {
                try SnapshotInstaller.install(
                    manifest,
                    from: receiver.incoming,
                    as: 3,
                    current: 3,
                    in: receiver.folder
                )
            }
            #expect(try receiver.folder.generations() == [0])
        }
    }

    @Test func `an installation that was cut short is garbage, and can be repeated`() throws {
        try withNodes { sender, receiver in
            try sender.fill(instances: 10, archiving: 5)
            try receiver.fill(instances: 2, archiving: 0)
            let manifest = try sender.send(to: receiver)
            // As after a crash: the history is in place, the state is not; and an old attempt's state is.
            let files = FileManager.default
            try files.createDirectory(
                atPath: "\(receiver.historyPath)/1/1",
                withIntermediateDirectories: true
            )
            try files.createDirectory(atPath: receiver.folder.path(of: 1), withIntermediateDirectories: true)
            try files.createDirectory(atPath: receiver.folder.path(of: 1) + ".new", withIntermediateDirectories: true)
            try Data([1]).write(to: URL(fileURLWithPath: receiver.folder.path(of: 1) + "/state.db-wal"))

            try receiver.install(manifest)
            #expect(try receiver.folder.open(1, mayCreate: false).digest == sender.state.digest)
            // The log never heard of it.
            try receiver.folder.removeAll(except: 0)

            #expect(try receiver.folder.generations() == [0])
            #expect(try files.contentsOfDirectory(atPath: receiver.folder.path) == ["0"])
            #expect(try files.contentsOfDirectory(atPath: "\(receiver.historyPath)/1") == ["0"])
            #expect(try receiver.folder.open(0, mayCreate: false).digest == receiver.state.digest)
        }
    }

    @Test func `a state that was lost is not replaced by an empty one`() throws {
        try withNodes { _, receiver in
            let error = try #require(throws: StateStoreError.self) { try receiver.folder.open(4, mayCreate: false) }

            #expect(error.code == .missing)
        }
    }

    @Test func `a running query ends on the old state, the next one reads the new one`() throws {
        try withNodes { sender, receiver in
            try sender.fill(instances: 12, archiving: 4)
            try receiver.fill(instances: 3, archiving: 0)
            let pool = try receiver.pool()
            #expect(try pool.search(SearchRequest(view: .processInstance, limit: 100)).rows.count == 3)
            let manifest = try sender.send(to: receiver)
            try receiver.install(manifest)

            pool.switchTo(live: receiver.folder.file(of: 1), history: try receiver.folder.openHistory(1))
            try receiver.folder.removeAll(except: 1)

            #expect(try pool.search(SearchRequest(view: .processInstance, limit: 100)).rows.count == 12)
        }
    }

    @Test func `a database is copied and prepared on another file system`() throws {
        // given
        let disk = SimulatedDisk()
        let live = StateFile(path: "live/state.db", vfs: disk.name)
        let state = try SQLiteState(folder: "live", options: StateOptions(vfs: disk.name))
        try state.begin()
        try fillEverything(state)
        try state.commit(Sample.position(7))

        // when: the bytes go to another node's disk
        let summary = try SnapshotMaker.copyDatabase(
            from: live,
            to: StateFile(path: "outgoing/state.db", vfs: disk.name)
        )
        let bytes = try #require(disk.image.contents(of: "outgoing/state.db"))
        let manifest = SnapshotManifest(
            group: 1,
            schemaLevel: summary.schemaLevel,
            position: summary.position,
            membership: summary.membership,
            digest: summary.digest,
            files: [SnapshotFile(name: StateFile.name, contents: bytes)]
        )
        let other = SimulatedDisk(DiskImage(files: ["new/state.db": bytes]))
        let file = StateFile(path: "new/state.db", vfs: other.name)
        try SnapshotInstaller.prepare(file, as: manifest)

        // then: nothing of it is lost by a power cut
        let rest = SimulatedDisk(other.afterPowerCut(.losesAll))
        let installed = try SQLiteState(folder: "new", options: StateOptions(vfs: rest.name))
        #expect(installed.digest == state.digest)
        #expect(installed.position == Sample.position(7))
        #expect(installed.durableAppliedIndex == 7)
    }
}

/// Two nodes with a group each, in folders that are gone afterwards.
private func withNodes(_ body: (SnapshotNode, SnapshotNode) throws -> Void) throws {
    try withFolder { folder in
        try body(try SnapshotNode("\(folder)/a"), try SnapshotNode("\(folder)/b"))
    }
}

private final class SnapshotNode {
    let folder: StateFolder
    let historyPath: String
    let state: SQLiteState
    let history: HistoryFolder
    private(set) var incoming = ""
    private var transfers: UInt64 = 0

    init(_ path: String) throws {
        self.historyPath = "\(path)/history"
        for folder in ["state", "history"] {
            try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        self.folder = try StateFolder(path: "\(path)/state", historyPath: self.historyPath, group: 1)
        self.state = try self.folder.open(0, mayCreate: true, options: StateOptions(checkpointBytes: 256 << 10))
        self.history = try #require(try self.folder.openHistory(0))
        self.incoming = try self.folder.makeIncoming()
    }

    func archiver(generation: UInt64 = 0) throws -> HistoryArchiver {
        try HistoryArchiver(live: self.folder.file(of: generation), folder: self.history, retention: .seconds(80))
    }

    func pool(generation: UInt64 = 0) throws -> ReaderPool {
        let history = generation == 0 ? self.history : try self.folder.openHistory(generation)
        return ReaderPool(live: self.folder.file(of: generation), history: history)
    }

    /// Makes instances with rows, ends three of four, and moves some to the history, over two partitions.
    func fill(instances: Int, archiving: Int) throws {
        try self.state.begin()
        try self.state.setMembership([9, 9])
        try self.state.insert(Sample.definition(1))
        for number in 1...instances {
            let key = Int64(number * 100)
            try self.state.insert(Sample.instance(key))
            try self.state.insert(Sample.element(key + 1, instance: key))
            try self.state.insert(Sample.job(key + 2, instance: key))
            if number % 4 != 0 { try self.state.endProcessInstance(Sample.key(key), state: .completed, at: 9) }
        }
        try self.state.commit(Sample.position(UInt64(instances)))
        let archiver = try self.archiver()
        for (count, now) in [(archiving / 2, 0), (archiving - archiving / 2, 15_000)] as [(Int, Int64)] {
            let keys = try archiver.archive(limit: count, now: now)
            try self.state.begin()
            try self.state.removeArchived(instances: keys)
            try self.state.commit(self.state.position)
        }
    }

    /// Makes a snapshot and puts its files where the receiver expects them.
    func send(to receiver: SnapshotNode, pace: SnapshotMaker.Pace = { _ in }) throws -> SnapshotManifest {
        self.transfers += 1
        let outgoing = try self.folder.makeOutgoing(self.transfers)
        let manifest = try SnapshotMaker.make(
            group: 1,
            from: self.folder.file(of: 0),
            history: self.history,
            in: outgoing,
            pace: pace
        )
        receiver.incoming = try receiver.folder.makeIncoming()
        for file in manifest.files {
            try FileManager.default.copyItem(
                atPath: "\(outgoing)/\(file.name)",
                toPath: "\(receiver.incoming)/\(file.name)"
            )
        }
        try self.folder.removeOutgoing(self.transfers)
        return try SnapshotManifest(encoded: manifest.encoded())
    }

    func install(_ manifest: SnapshotManifest) throws {
        try SnapshotInstaller.install(manifest, from: self.incoming, as: 1, current: 0, in: self.folder)
    }
}
