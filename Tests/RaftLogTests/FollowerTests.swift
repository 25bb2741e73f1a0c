import RaftCore
import RaftLog
import Testing

/// What the life of a follower asks of every implementation of `DurableLog`: it is founded behind a snapshot or starts
/// empty, gets snapshots with generations of the state, and cuts off what conflicts.
@Suite(.serialized)
struct FollowerTests {
    private static let founding = SnapshotMetadata(index: LogIndex(1), term: Term(1), configuration: .three)

    @Test(arguments: LogImplementation.allCases)
    func `a group founded behind index 1 has its term, its commit index and its voters`(
        _ implementation: LogImplementation
    ) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.open()

        try log.createGroup(.one, incarnation: .first, snapshot: Self.founding)

        for _ in 0..<2 {
            let status = try log.status(of: .one)
            #expect(status.hardState == HardState(term: Term(1), commit: LogIndex(1)))
            #expect(status.snapshot == Self.founding)
            #expect(status.isEmpty)
            #expect(status.firstIndex == LogIndex(2))
            #expect(status.lastTerm == Term(1))
            #expect(status.stateGeneration == 0)
            #expect(try log.term(of: LogIndex(1), in: .one) == Term(1))
            log.close()
            log = try fixture.open(mustExist: true)
        }
        // The first election there is: a term above the founding one, a vote, and the leader's first entry.
        let hardState = HardState(term: Term(2), vote: NodeID(2), commit: LogIndex(1))
        try log.append(.one(hardState, entries: .run(2...2, term: 2)))
        #expect(try log.all() == .run(2...2, term: 2))
    }

    static let wrongFoundings: [SnapshotMetadata] = [
        SnapshotMetadata(index: LogIndex(1), configuration: .three),
        SnapshotMetadata(term: Term(1), configuration: .three),
        SnapshotMetadata(index: LogIndex(1 << 51), term: Term(1)),
        SnapshotMetadata(index: LogIndex(1), term: Term(1 << 63)),
    ]

    @Test(arguments: wrongFoundings)
    func `a group cannot be founded behind what is no entry`(_ snapshot: SnapshotMetadata) throws {
        let log = try LogFixture().open()

        let error = #expect(throws: RaftLogError.self) {
            try log.createGroup(.one, incarnation: .first, snapshot: snapshot)
        }

        #expect(error?.code == .invalidWrite)
        #expect(try log.groups().isEmpty)
    }

    @Test(arguments: LogImplementation.allCases)
    func `the state generation changes with its snapshot and stays through all else`(
        _ implementation: LogImplementation
    ) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(10)
        let snapshot = SnapshotMetadata(index: LogIndex(20), term: Term(2), configuration: .three)

        try log.append(.one(snapshot: snapshot, stateGeneration: 3))
        try log.append(.one(HardState(term: Term(2), commit: LogIndex(22)), entries: .run(21...25, term: 2)))
        try log.compact(.one, incarnation: .first, through: LogIndex(22), configuration: .three)
        #expect(try log.status(of: .one).stateGeneration == 3)
        log.close()
        log = try fixture.open()

        #expect(try log.status(of: .one).stateGeneration == 3)
        let later = SnapshotMetadata(index: LogIndex(30), term: Term(2), configuration: .three)
        let error = #expect(throws: RaftLogError.self) { try log.append(.one(snapshot: later, stateGeneration: 3)) }
        #expect(error?.message == "Expected a state generation after 3, but got 3")
        #expect(try log.status(of: .one).lastIndex == LogIndex(25))
        try log.append(.one(snapshot: later))
        #expect(try log.status(of: .one).stateGeneration == 3)
        try log.append(
            .one(
                snapshot: SnapshotMetadata(index: LogIndex(31), term: Term(2), configuration: .three),
                stateGeneration: .max
            )
        )
        #expect(try log.status(of: .one).stateGeneration == .max)
    }

    @Test(arguments: LogImplementation.allCases)
    func `a snapshot over a longer conflicting log leaves nothing of it, however much garbage there is`(
        _ implementation: LogImplementation
    ) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(2000)
        try log.append(.one(HardState(term: Term(1), commit: LogIndex(100))))
        let snapshot = SnapshotMetadata(index: LogIndex(1500), term: Term(3), configuration: .three)

        try log.append(
            .one(
                HardState(term: Term(4), vote: NodeID(2), commit: LogIndex(1501)),
                snapshot: snapshot,
                stateGeneration: 1,
                entries: .run(1501...1502, term: 4)
            )
        )

        for round in 0..<3 as Range<UInt64> {
            let last = 1502 + round
            #expect(try log.all() == .run(1501...last, term: 4))
            #expect(try log.status(of: .one).firstIndex == LogIndex(1501))
            #expect(try log.term(of: LogIndex(1500), in: .one) == Term(3))
            let old = #expect(throws: RaftLogError.self) { try log.term(of: LogIndex(1499), in: .one) }
            #expect(old?.code == .compacted)
            let beyond = #expect(throws: RaftLogError.self) { try log.term(of: LogIndex(1600), in: .one) }
            #expect(beyond?.code == .unavailable)
            log.close()
            log = try fixture.open()
            try log.verify(.one)
            // Sweeping goes along with appends; nothing may come back on the way.
            try log.append(.one(entries: .run((last + 1)...(last + 1), term: 4)))
        }
    }

    @Test(arguments: LogImplementation.allCases)
    func `a second snapshot while the first one's garbage is being swept`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(1000)
        let first = SnapshotMetadata(index: LogIndex(900), term: Term(2), configuration: .three)
        let second = SnapshotMetadata(index: LogIndex(5000), term: Term(2), configuration: .three)

        try log.append(.one(snapshot: first, stateGeneration: 1))
        try log.append(.one(entries: .run(901...950, term: 2)))
        try log.append(.one(snapshot: second, stateGeneration: 2))
        log.close()
        log = try fixture.open()

        #expect(try log.status(of: .one).isEmpty)
        for index in 5001...5020 as ClosedRange<UInt64> { try log.append(.one(entries: .run(index...index, term: 2))) }
        #expect(try log.all() == .run(5001...5020, term: 2))
        log.close()
        log = try fixture.open()
        #expect(try log.all() == .run(5001...5020, term: 2))
        #expect(try log.status(of: .one).stateGeneration == 2)
    }

    @Test(arguments: LogImplementation.allCases)
    func `a joint configuration is kept through compaction and opening`(_ implementation: LogImplementation) throws {
        let fixture = try LogFixture(implementation)
        var log = try fixture.openWithEntries(10)
        let members = ClusterConfiguration(
            voters: [NodeID(1), NodeID(4)],
            learners: [NodeID(7)],
            votersOutgoing: [NodeID(1), NodeID(2)],
            learnersNext: [NodeID(2)],
            autoLeave: true
        )
        try log.append(.one(HardState(term: Term(1), commit: LogIndex(9))))

        try log.compact(.one, incarnation: .first, through: LogIndex(8), configuration: members)
        log.close()
        log = try fixture.open()

        #expect(
            try log.status(of: .one).snapshot
                == SnapshotMetadata(index: LogIndex(8), term: Term(1), configuration: members)
        )
    }

    @Test(arguments: LogImplementation.allCases)
    func `an empty log takes its first snapshot with the entries behind it`(_ implementation: LogImplementation) throws
    {
        let fixture = try LogFixture(implementation)
        var log = try fixture.open()
        try log.createGroup(.one, incarnation: .first, snapshot: SnapshotMetadata())
        try log.append(.one(HardState(term: Term(6))))
        let snapshot = SnapshotMetadata(index: LogIndex(700), term: Term(5), configuration: .three)

        try log.append(
            .one(
                HardState(term: Term(6), vote: NodeID(3), commit: LogIndex(701)),
                snapshot: snapshot,
                stateGeneration: 1,
                entries: .run(701...703, term: 6)
            )
        )
        log.close()
        log = try fixture.open()

        let status = try log.status(of: .one)
        #expect(status.snapshot == snapshot)
        #expect(status.hardState == HardState(term: Term(6), vote: NodeID(3), commit: LogIndex(701)))
        #expect(status.stateGeneration == 1)
        #expect(try log.all() == .run(701...703, term: 6))
    }
}
