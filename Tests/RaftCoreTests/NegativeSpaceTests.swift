import RaftCore
import Testing

/// What must have no effect.
struct NegativeSpaceTests {
    @Test
    func `messages of another group, incarnation or receiver are ignored`() throws {
        var node = try makeNode()
        let good = RaftMessage.between(2, 1, term: 3, append(0, 0, [entry(1, 3)]))
        var message = good
        message.group = GroupID(2)
        #expect(node.step(message) == .ignored(.wrongGroup))
        message = good
        message.incarnation = IncarnationID(2)
        #expect(node.step(message) == .ignored(.wrongIncarnation))
        message = good
        message.to = NodeID(3)
        #expect(node.step(message) == .ignored(.wrongReceiver))
        #expect(node.term == .zero && node.lastIndex == .zero && !node.hasReady)
        #expect(node.step(good) == .handled)
    }

    @Test
    func `everything that is sent carries group and incarnation`() throws {
        var group = try TestGroup(3) {
            $0.group = GroupID(7)
            $0.incarnation = IncarnationID(9)
        }
        group[1].campaign()
        _ = group.handleReady(1)
        #expect(group.mail.count == 2)
        #expect(group.mail.allSatisfy { $0.group == GroupID(7) && $0.incarnation == IncarnationID(9) })
        group.settle()
        #expect(group[1].role == .leader)
    }

    @Test(
        arguments: [
            append(0, 0, [entry(2, 1)]), append(0, 0, [entry(1, 1), entry(3, 1)]), append(0, 0, [entry(1, 9)]),
            append(1, 1, [entry(2, 0)]), append(.max, 1), append(0, 9), append(0, 0, commit: .max),
            .snapshot(Snapshot(metadata: SnapshotMetadata(index: LogIndex(.max), term: Term(1)))),
            .snapshot(
                Snapshot(
                    metadata: SnapshotMetadata(
                        index: LogIndex(5),
                        term: Term(1),
                        configuration: ClusterConfiguration(voters: [NodeID(2), NodeID(1)])
                    )
                )
            ),
            .heartbeat(Heartbeat(commit: LogIndex(.max))),
        ] as [RaftMessage.Body]
    )
    func `impossible numbers are refused without effect`(body: RaftMessage.Body) throws {
        var node = try makeNode(logTerms: [1], term: 1)
        #expect(node.step(.between(2, 1, term: 1, body)) == .ignored(.malformed))
        #expect(!node.hasReady && node.fault == nil && node.lastIndex == LogIndex(1))
    }

    @Test
    func `an acknowledgement beyond the log is not believed`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        group[1].step(.between(2, 1, term: 1, .appendResponse(AppendResponse(index: LogIndex(900)))))
        #expect(group[1].status.peers[1].match == LogIndex(1) && group[1].checkInvariants() == [])
    }

    @Test
    func `answers of strangers and answers to nobody are ignored`() throws {
        var group = try TestGroup(3)
        group.elect(1)
        let answer = RaftMessage.Body.appendResponse(AppendResponse(index: LogIndex(1)))
        #expect(group[1].step(.between(9, 1, term: 1, answer)) == .ignored(.unknownPeer))
        #expect(group[2].step(.between(3, 2, term: 1, answer)) == .ignored(.wrongRole))
        let grant = VoteResponse(phase: .vote, isGranted: true, lastEntry: EntryID())
        #expect(group[2].step(.between(3, 2, term: 1, .voteResponse(grant))) == .ignored(.wrongRole))
        #expect(group[1].step(.between(2, 1, term: 0, answer)) == .ignored(.staleTerm))
    }

    @Test
    func `impossible settings and contradicting storage are refused at the start`() throws {
        for change: (inout RaftConfiguration) -> Void in [
            { $0.electionTicks = 1 }, { $0.heartbeatTicks = 0 }, { $0.maxInflightMessages = 0 },
            { $0.maxMessageBytes = -1 }, { $0.id = NodeID(0) }, { $0.applied = LogIndex(9) },
            {
                $0.preVote = false
                $0.electionPriority = .rank(1)
            },
        ] {
            #expect(throws: RaftStartError.self) { try makeNode(change) }
        }
        #expect(throws: RaftStartError.self) { try makeNode(logTerms: [5], term: 1) }
        #expect(throws: RaftStartError.self) { try makeNode(logTerms: [1], term: 1, commit: 2) }
    }

    @Test
    func `a storage that fails stops the node instead of the process`() throws {
        let storage = FailingStorage()
        var node = try RaftNode(configuration: RaftConfiguration(id: NodeID(1)), storage: storage)
        storage.isFailing = true
        node.step(.between(2, 1, term: 1, append(1, 1)))
        #expect(node.fault == .storageFailed("bad sector"))
        #expect(!node.hasReady)
        #expect(node.step(.between(2, 1, term: 2, append(1, 1))) == .ignored(.stopped))
        #expect(throws: ProposalRejection.stopped(.storageFailed("bad sector"))) { try node.propose([1]) }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `no sequence of random messages breaks a node`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var node = try makeNode(logTerms: [1, 1, 2], term: 2, commit: 1)
        func number(_ bound: Int) -> UInt64 { random.next(below: 50) == 0 ? .max : UInt64(random.next(below: bound)) }
        for _ in 0..<3_000 where node.fault == nil {
            let place = EntryID(term: Term(number(4)), index: LogIndex(number(6)))
            let bodies: [RaftMessage.Body] = [
                append(number(5), number(4), commit: number(4), [entry(number(6), number(4))]),
                .appendResponse(AppendResponse(index: place.index, rejectionHint: number(2) == 0 ? place : nil)),
                .voteRequest(VoteRequest(phase: number(2) == 0 ? .vote : .preVote, lastEntry: place)),
                .voteResponse(VoteResponse(phase: .preVote, isGranted: number(2) == 0, lastEntry: place)),
                .heartbeat(Heartbeat(commit: LogIndex(number(3)), readID: number(5))),
                .heartbeatResponse(HeartbeatResponse(readID: number(5))), .timeoutNow,
                .readIndexRequest(ReadRequestID(number(9))), .transferRequest(to: NodeID(number(5))),
                .proposal([LogEntry(term: .zero, index: .zero, kind: .configurationChangeV2, payload: [1, 2])]),
            ]
            let body = bodies[random.next(below: bodies.count)]
            node.step(.between(number(5), 1, term: number(6), body))
            node.tick()
            _ = node.takeMessages()
            #expect(node.checkInvariants() == [])
        }
    }
}

/// A storage that works until told otherwise.
private final class FailingStorage: RaftStorage {
    private let memory = MemoryStorage(voters: [NodeID(1), NodeID(2), NodeID(3)])
    var isFailing = false

    init() { self.memory.append([entry(1, 0), entry(2, 0)]) }

    func initialState() -> (hardState: HardState, configuration: ClusterConfiguration) { self.memory.initialState() }
    func entries(from: LogIndex, to: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [LogEntry] {
        try self.memory.entries(from: from, to: to, maxBytes: maxBytes)
    }
    func term(of index: LogIndex) throws(RaftStorageError) -> Term {
        if self.isFailing { throw .failed("bad sector") }
        return try self.memory.term(of: index)
    }
    var firstIndex: LogIndex { self.memory.firstIndex }
    var lastIndex: LogIndex { self.memory.lastIndex }
    func snapshot() -> Snapshot { self.memory.snapshot() }
}
