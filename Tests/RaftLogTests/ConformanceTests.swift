import Foundation
import RaftCore
import RaftLog
import Synchronization
import Testing

/// What every implementation of `DurableLog` must do.
@Suite(.serialized)
struct ConformanceTests {
    @Test(arguments: LogImplementation.allCases)
    func `a new group is empty and has the given members`(_ implementation: LogImplementation) throws {
        let log = try LogFixture(implementation).open()

        try log.createGroup(.one, incarnation: .first, configuration: .three)

        let status = try log.status(of: .one)
        #expect(status.isEmpty)
        #expect(status.firstIndex == LogIndex(1))
        #expect(status.hardState == HardState())
        #expect(status.snapshot.configuration == .three)
        #expect(try log.term(of: .zero, in: .one) == .zero)
        #expect(try log.groups() == [.one])
    }

    @Test(arguments: LogImplementation.allCases)
    func `what was appended is read, now and after opening again`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        let hardState = HardState(term: Term(2), vote: NodeID(3), commit: LogIndex(4))
        let entries: [LogEntry] =
            .run(1...3, term: 1)
            + [
                LogEntry(term: Term(2), index: LogIndex(4), kind: .configurationChangeV2, payload: [1]),
                LogEntry(term: Term(2), index: LogIndex(5)),
            ]
        var log = try fixture.open()
        try log.createGroup(.one, incarnation: .first, configuration: .three)

        try log.append(.one(hardState, entries: entries))
        let before = try log.status(of: .one)
        #expect(try log.all() == entries)
        log.close()
        log = try fixture.open(mustExist: true)

        #expect(try log.all() == entries)
        #expect(try log.status(of: .one) == before)
        #expect(before.hardState == hardState)
        #expect(before.lastTerm == Term(2))
        #expect(try log.term(of: LogIndex(3), in: .one) == Term(1))
        #expect(try log.term(of: LogIndex(4), in: .one) == Term(2))
    }

    @Test(arguments: LogImplementation.allCases)
    func `conflicting entries are replaced, and all that were behind them are gone`(
        _ implementation: LogImplementation
    ) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(10)

        try log.append(.one(HardState(term: Term(2)), entries: .run(4...5, term: 2)))

        let expected: [LogEntry] = .run(1...3, term: 1) + .run(4...5, term: 2)
        #expect(try log.all() == expected)
        log.close()
        log = try fixture.open()
        #expect(try log.all() == expected)
        #expect(try log.status(of: .one).lastIndex == LogIndex(5))
        try log.append(.one(entries: .run(6...6, term: 2)))
        #expect(try log.all() == expected + .run(6...6, term: 2))
    }

    @Test(arguments: LogImplementation.allCases)
    func `compaction forgets a prefix and keeps its last term`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(500)
        try log.append(.one(HardState(term: Term(1), commit: LogIndex(450))))
        let members = ClusterConfiguration(voters: [NodeID(1)], learners: [NodeID(9)])

        try log.compact(.one, incarnation: .first, through: LogIndex(400), configuration: members)
        try log.compact(.one, incarnation: .first, through: LogIndex(300), configuration: .three)

        for _ in 0..<2 {
            let status = try log.status(of: .one)
            #expect(status.firstIndex == LogIndex(401))
            #expect(status.snapshot == SnapshotMetadata(index: LogIndex(400), term: Term(1), configuration: members))
            #expect(try log.term(of: LogIndex(400), in: .one) == Term(1))
            #expect(try log.all() == .run(401...500, term: 1))
            let error = #expect(throws: RaftLogError.self) { try log.term(of: LogIndex(399), in: .one) }
            #expect(error?.code == .compacted)
            log.close()
            log = try fixture.open()
        }
        // The rows that compaction leaves are swept along with later appends; nothing may be missing then.
        for index in 501...510 as ClosedRange<UInt64> { try log.append(.one(entries: .run(index...index, term: 1))) }
        try log.verify(.one)
        #expect(try log.all() == .run(401...510, term: 1))
    }

    @Test(arguments: LogImplementation.allCases)
    func `compaction through the last entry leaves an empty log that goes on`(
        _ implementation: LogImplementation
    ) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(5)
        try log.append(.one(HardState(term: Term(3), commit: LogIndex(5))))

        try log.compact(.one, incarnation: .first, through: LogIndex(5), configuration: .three)
        log.close()
        log = try fixture.open()

        let status = try log.status(of: .one)
        #expect(status.isEmpty)
        #expect(status.lastIndex == LogIndex(5))
        #expect(status.lastTerm == Term(1))
        try log.append(.one(entries: .run(6...7, term: 3)))
        #expect(try log.all() == .run(6...7, term: 3))
    }

    @Test(arguments: LogImplementation.allCases)
    func `only what is committed may be compacted`(_ implementation: LogImplementation) throws {
        let log = try LogFixture(implementation).openWithEntries(10)

        let error = #expect(throws: RaftLogError.self) {
            try log.compact(.one, incarnation: .first, through: LogIndex(1), configuration: .three)
        }

        #expect(error?.code == .invalidWrite)
        #expect(try log.all() == .run(1...10, term: 1))
    }

    @Test(arguments: LogImplementation.allCases)
    func `a received snapshot replaces the log`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        let snapshot = SnapshotMetadata(index: LogIndex(7), term: Term(3), configuration: .three)
        var log = try fixture.openWithEntries(10)

        try log.append(
            .one(HardState(term: Term(4), commit: LogIndex(8)), snapshot: snapshot, entries: .run(8...9, term: 4))
        )

        for _ in 0..<2 {
            let status = try log.status(of: .one)
            #expect(status.snapshot == snapshot)
            #expect(status.hardState == HardState(term: Term(4), commit: LogIndex(8)))
            #expect(try log.all() == .run(8...9, term: 4))
            #expect(try log.term(of: LogIndex(7), in: .one) == Term(3))
            log.close()
            log = try fixture.open()
        }
    }

    @Test(arguments: LogImplementation.allCases)
    func `a snapshot far ahead resets an empty log`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.open()
        try log.createGroup(.one, incarnation: .first, configuration: ClusterConfiguration())

        let snapshot = SnapshotMetadata(index: LogIndex(1000), term: Term(5), configuration: .three)
        try log.append(.one(snapshot: snapshot))
        log.close()
        log = try fixture.open()

        let status = try log.status(of: .one)
        #expect(status.lastIndex == LogIndex(1000))
        #expect(status.hardState == HardState(term: Term(5), commit: LogIndex(1000)))
        try log.append(.one(HardState(term: Term(6), commit: LogIndex(1000)), entries: .run(1001...1002, term: 6)))
        #expect(try log.all() == .run(1001...1002, term: 6))
    }

    @Test(arguments: LogImplementation.allCases)
    func `reads are bounded by bytes but give at least one entry`(_ implementation: LogImplementation) throws {
        let log = try LogFixture(implementation).open()
        try log.createGroup(.one, incarnation: .first, configuration: .three)
        try log.append(.one(HardState(term: Term(1)), entries: .run(1...10, term: 1, payloadBytes: 100)))

        let none = try log.entries(of: .one, from: LogIndex(3), through: LogIndex(9), maxBytes: 0)
        let some = try log.entries(of: .one, from: LogIndex(3), through: LogIndex(9), maxBytes: 380)
        let all = try log.entries(of: .one, from: LogIndex(3), through: LogIndex(9), maxBytes: 1 << 20)

        #expect(none.map(\.index.rawValue) == [3])
        #expect(some.map(\.index.rawValue) == [3, 4, 5])
        #expect(all.map(\.index.rawValue) == Array(3...9))
        #expect(try log.entries(of: .one, from: LogIndex(5), through: LogIndex(4), maxBytes: 0).isEmpty)
    }

    @Test(arguments: LogImplementation.allCases)
    func `reads outside of the log are refused`(_ implementation: LogImplementation) throws {
        let log = try LogFixture(implementation).openWithEntries(5)

        for (first, last, code) in [(0, 3, RaftLogError.Code.compacted), (4, 6, .unavailable), (6, 6, .unavailable)] {
            let error = #expect(throws: RaftLogError.self) {
                try log.entries(of: .one, from: LogIndex(UInt64(first)), through: LogIndex(UInt64(last)), maxBytes: 100)
            }
            #expect(error?.code == code)
            #expect(error?.group == .one)
        }
        let error = #expect(throws: RaftLogError.self) { try log.term(of: LogIndex(.max), in: .one) }
        #expect(error?.code == .unavailable)
    }

    @Test(arguments: LogImplementation.allCases)
    func `groups do not touch each other`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(20)
        try log.createGroup(.cluster, incarnation: .second, configuration: .three)
        try log.createGroup(.two, incarnation: .second, configuration: .three)

        try log.append([
            LogWrite(
                group: .cluster,
                incarnation: .second,
                hardState: HardState(term: Term(7)),
                entries: .run(1...3, term: 7)
            ),
            .one(HardState(term: Term(2)), entries: .run(15...16, term: 2)),
            LogWrite(group: .two, incarnation: .second, hardState: HardState(term: Term(9), vote: NodeID(2))),
        ])
        log.close()
        log = try fixture.open()

        #expect(try log.groups() == [.cluster, .one, .two])
        #expect(try log.all(.cluster) == .run(1...3, term: 7))
        #expect(try log.all(.one) == .run(1...14, term: 1) + .run(15...16, term: 2))
        #expect(try log.status(of: .two).isEmpty)
        #expect(try log.status(of: .two).hardState == HardState(term: Term(9), vote: NodeID(2)))
    }

    @Test(arguments: LogImplementation.allCases)
    func `a deleted group may come again in another life`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(20)

        try log.deleteGroup(.one, incarnation: .first)
        #expect(throws: RaftLogError.self) { try log.status(of: .one) }
        try log.createGroup(.one, incarnation: .second, configuration: .three)
        let old = #expect(throws: RaftLogError.self) { try log.append(.one(entries: .run(1...1, term: 0))) }
        log.close()
        log = try fixture.open()

        #expect(old?.code == .wrongIncarnation)
        #expect(try log.status(of: .one).incarnation == .second)
        #expect(try log.status(of: .one).isEmpty)
    }

    @Test(arguments: LogImplementation.allCases)
    func `unknown groups, second creations and wrong incarnations are refused`(
        _ implementation: LogImplementation
    ) throws {
        let log = try LogFixture(implementation).openWithEntries(1)
        let wrong = LogWrite(group: .one, incarnation: .second, entries: .run(2...2, term: 1))

        func code(_ body: () throws -> Void) -> RaftLogError.Code? {
            #expect(throws: RaftLogError.self, performing: body)?.code
        }

        #expect(code { try log.append(wrong) } == .wrongIncarnation)
        #expect(code { try log.deleteGroup(.one, incarnation: .second) } == .wrongIncarnation)
        #expect(code { _ = try log.status(of: .two) } == .unknownGroup)
        #expect(code { try log.append(LogWrite(group: .two, incarnation: .first)) } == .unknownGroup)
        #expect(
            code { try log.createGroup(.one, incarnation: .second, configuration: .three) } == .groupExists
        )
        #expect(
            code { try log.createGroup(GroupID(4096), incarnation: .first, configuration: .three) } == .invalidWrite
        )
        #expect(
            code { try log.compact(.one, incarnation: .second, through: LogIndex(1), configuration: .three) }
                == .wrongIncarnation
        )
        #expect(try log.all() == .run(1...1, term: 1))
    }

    static let wrongWrites: [(LogWrite, RaftLogError.Code)] = [
        (.one(entries: .run(12...12, term: 1)), .invalidWrite),
        (.one(entries: .run(11...11, term: 1) + .run(13...13, term: 1)), .invalidWrite),
        (.one(entries: .run(11...11, term: 3)), .invalidWrite),
        (
            .one(
                HardState(term: Term(3), commit: LogIndex(5)),
                entries: .run(11...11, term: 3) + .run(12...12, term: 2)
            ), .invalidWrite
        ),
        (.one(HardState(term: Term(1), vote: NodeID(2), commit: LogIndex(5))), .invalidWrite),
        (.one(HardState(term: Term(2), commit: LogIndex(5))), .invalidWrite),
        (.one(HardState(term: Term(2), vote: NodeID(3), commit: LogIndex(5))), .invalidWrite),
        (.one(HardState(term: Term(2), vote: NodeID(2), commit: LogIndex(4))), .invalidWrite),
        (.one(HardState(term: Term(2), vote: NodeID(2), commit: LogIndex(11))), .invalidWrite),
        (.one(entries: .run(5...6, term: 2)), .belowCommitted),
        (.one(entries: .run(0...1, term: 2)), .invalidWrite),
        (.one(snapshot: SnapshotMetadata(index: LogIndex(4), term: Term(2))), .belowCommitted),
        (.one(snapshot: SnapshotMetadata(index: .zero, term: Term(2))), .invalidWrite),
        (.one(snapshot: SnapshotMetadata(index: LogIndex(1 << 51), term: Term(2))), .invalidWrite),
        (
            .one(snapshot: SnapshotMetadata(index: LogIndex(20), term: Term(2)), entries: .run(11...11, term: 2)),
            .invalidWrite
        ),
        (.one(snapshot: SnapshotMetadata(index: LogIndex(20), term: Term(1 << 63))), .invalidWrite),
        (.one(stateGeneration: 1), .invalidWrite),
        (.one(snapshot: SnapshotMetadata(index: LogIndex(20), term: Term(2)), stateGeneration: 0), .invalidWrite),
    ]

    @Test(arguments: LogImplementation.allCases)
    func `a write that no correct core makes is refused and changes nothing`(
        _ implementation: LogImplementation
    ) throws {
        let log = try LogFixture(implementation).openWithEntries(10)
        try log.append(.one(HardState(term: Term(2), vote: NodeID(2), commit: LogIndex(5))))
        let before = try log.status(of: .one)

        for (write, code) in Self.wrongWrites {
            let error = #expect(throws: RaftLogError.self) { try log.append(write) }

            #expect(error?.code == code, "\(write)")
            #expect(try log.status(of: .one) == before)
        }
        #expect(try log.all() == .run(1...10, term: 1))
        try log.append(.one(entries: .run(6...6, term: 2)))
    }

    @Test(arguments: LogImplementation.allCases)
    func `writes that belong together are refused together`(_ implementation: LogImplementation) throws {
        let log = try LogFixture(implementation).openWithEntries(3)
        try log.createGroup(.two, incarnation: .second, configuration: .three)

        let error = #expect(throws: RaftLogError.self) {
            try log.append([
                .one(entries: .run(4...4, term: 1)),
                LogWrite(group: .two, incarnation: .second, entries: .run(2...2, term: 0)),
            ])
        }
        let twice = #expect(throws: RaftLogError.self) {
            try log.append([.one(entries: .run(4...4, term: 1)), .one(entries: .run(5...5, term: 1))])
        }

        #expect(error?.group == .two)
        #expect(twice?.code == .invalidWrite)
        #expect(try log.all() == .run(1...3, term: 1))
    }

    @Test(arguments: LogImplementation.allCases)
    func `a closed log refuses everything`(_ implementation: LogImplementation) throws {
        let log = try LogFixture(implementation).openWithEntries(3)

        log.close()
        log.close()

        let write = #expect(throws: RaftLogError.self) { try log.append(.one(entries: .run(4...4, term: 1))) }
        let read = #expect(throws: RaftLogError.self) { try log.status(of: .one) }
        #expect(write?.code == .closed)
        #expect(read?.code == .closed)
    }

    @Test(arguments: LogImplementation.allCases)
    func `random writes give what a simple model gives, across openings`(
        _ implementation: LogImplementation
    ) throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            var model = LogModel(seed: seed)
            let fixture = try LogFixture(implementation)
            var log = try fixture.open()
            try log.createGroup(.one, incarnation: .first, configuration: .three)

            for step in 0..<60 {
                try model.step(log)
                if step % 20 == 19 {
                    log.close()
                    log = try fixture.open { $0.cacheBytes = 4000 }
                }
                #expect(try log.status(of: .one) == model.status, "seed \(seed), step \(step)")
                #expect(try log.all() == model.entries, "seed \(seed), step \(step)")
            }
            try log.verify(.one)
        }
    }
}

/// The log as an array, driven by a seed.
struct LogModel {
    private(set) var status: GroupStatus
    private(set) var entries: [LogEntry] = []
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
        self.status = GroupStatus(
            group: .one,
            incarnation: .first,
            hardState: HardState(),
            snapshot: SnapshotMetadata(configuration: .three),
            lastIndex: .zero,
            lastTerm: .zero
        )
    }

    private mutating func random(_ range: ClosedRange<UInt64>) -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + (self.state >> 33) % (range.upperBound - range.lowerBound + 1)
    }

    /// Makes one right change and does it to the log too.
    mutating func step(_ log: some DurableLog) throws {
        let last = self.status.lastIndex.rawValue
        let commit = self.status.hardState.commit.rawValue
        switch self.random(0...9) {
        case 0 where commit > self.status.snapshot.index.rawValue:
            let index = LogIndex(self.random((self.status.snapshot.index.rawValue + 1)...commit))
            let term = self.entries.first { $0.index == index }?.term ?? .zero
            try log.compact(.one, incarnation: .first, through: index, configuration: .three)
            self.status.snapshot = SnapshotMetadata(index: index, term: term, configuration: .three)
            self.entries.removeAll { $0.index <= index }
        case 1:
            let term = Term(self.status.hardState.term.rawValue + 1)
            let index = LogIndex(self.random((commit + 1)...(last + 5)))
            let snapshot = SnapshotMetadata(index: index, term: term, configuration: .three)
            let generation = self.random(0...3) == 0 ? nil : self.status.stateGeneration + self.random(1...3)
            try log.append(.one(snapshot: snapshot, stateGeneration: generation))
            self.status.snapshot = snapshot
            self.status.stateGeneration = generation ?? self.status.stateGeneration
            self.status.hardState = HardState(term: term, commit: index)
            self.entries = []
        default:
            let first = self.random((commit + 1)...(last + 1))
            let term = self.status.hardState.term.rawValue + (first <= last ? 1 : self.random(0...1))
            let new = [LogEntry].run(
                first...(first + self.random(0...20)),
                term: term,
                payloadBytes: Int(self.random(0...300))
            )
            let newLast = new.last?.index.rawValue ?? last
            let hardState = HardState(
                term: Term(term),
                vote: term > self.status.hardState.term.rawValue ? NodeID(2) : self.status.hardState.vote,
                commit: LogIndex(self.random(commit...newLast))
            )
            try log.append(.one(hardState, entries: new))
            self.entries.removeAll { $0.index.rawValue >= first }
            self.entries += new
            self.status.hardState = hardState
        }
        self.status.lastIndex = self.entries.last?.index ?? self.status.snapshot.index
        self.status.lastTerm = self.entries.last?.term ?? self.status.snapshot.term
    }
}
