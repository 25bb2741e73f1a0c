import RaftCore
import SwiftProtobuf
import Testing

@testable import ClusterTransport

@Suite(.timeLimit(.minutes(10))) struct EncodingTests {
    /// What a receiver makes of the bytes.
    private static func decode(_ bytes: [UInt8]) throws -> RaftMessage? {
        var reader = FrameReader(limit: 8 << 20)
        var position = 0
        while position < bytes.count {
            position += reader.fill { space in
                let count = min(space.count, bytes.count - position)
                space.copyBytes(from: bytes[position..<position + count])
                return count
            }
            if let frame = try reader.next() {
                let envelope = try WireEnvelope(serializedBytes: frame.header)
                guard case .raft(let wire) = envelope.body else { return nil }
                return try RaftMessage(wire, attachments: frame.attachments)
            }
        }
        return nil
    }

    private static func id(_ random: inout SeededGenerator) -> EntryID {
        EntryID(term: Term(self.number(&random)), index: LogIndex(self.number(&random)))
    }

    private static func number(_ random: inout SeededGenerator) -> UInt64 {
        random.next() >> UInt64.random(in: 0...64, using: &random)
    }

    private static func nodes(_ random: inout SeededGenerator) -> [NodeID] {
        (0..<Int.random(in: 0...5, using: &random)).map { _ in NodeID(self.number(&random)) }
    }

    private static func bytes(_ random: inout SeededGenerator) -> [UInt8] {
        let count = [0, 1, 300, 5_000, 40_000].randomElement(using: &random) ?? 0
        return [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: count)
    }

    private static func entries(_ random: inout SeededGenerator) -> [LogEntry] {
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
            let id = self.id(&random)
            let kinds: [EntryKind] = [.normal, .configurationChange, .configurationChangeV2]
            let kind = kinds.randomElement(using: &random) ?? .normal
            return LogEntry(term: id.term, index: id.index, kind: kind, payload: self.bytes(&random))
        }
    }

    private static func body(_ kind: Int, _ random: inout SeededGenerator) -> RaftMessage.Body {
        let isSet = Bool.random(using: &random)
        let phase = isSet ? ElectionPhase.vote : .preVote
        let (index, read) = (LogIndex(self.number(&random)), ReadRequestID(self.number(&random)))
        switch kind {
        case 0: return .proposal(self.entries(&random))
        case 1:
            let entries = self.entries(&random)
            return .appendRequest(AppendRequest(previous: self.id(&random), commit: index, entries: entries))
        case 2: return .appendResponse(AppendResponse(index: index, rejectionHint: isSet ? self.id(&random) : nil))
        case 3:
            return .voteRequest(
                VoteRequest(phase: phase, lastEntry: self.id(&random), isTransfer: isSet, committed: self.id(&random))
            )
        case 4:
            return .voteResponse(
                VoteResponse(phase: phase, isGranted: isSet, lastEntry: self.id(&random), committed: self.id(&random))
            )
        case 5: return .heartbeat(Heartbeat(commit: index, acknowledged: index, readID: read.rawValue))
        case 6: return .heartbeatResponse(HeartbeatResponse(readID: 3, lostAcknowledged: isSet ? index : nil))
        case 7:
            let configuration = ClusterConfiguration(
                voters: self.nodes(&random),
                learners: self.nodes(&random),
                votersOutgoing: self.nodes(&random),
                learnersNext: self.nodes(&random),
                autoLeave: isSet
            )
            let metadata = SnapshotMetadata(index: index, term: Term(4), configuration: configuration)
            return .snapshot(Snapshot(metadata: metadata, data: self.bytes(&random)))
        case 8: return .timeoutNow
        case 9: return .transferRequest(to: NodeID(self.number(&random)))
        case 10: return .readIndexRequest(read)
        default: return .readIndexResponse(read, index: isSet ? index : nil)
        }
    }

    private static func message(_ kind: Int, _ random: inout SeededGenerator) -> RaftMessage {
        RaftMessage(
            group: GroupID(UInt32(truncatingIfNeeded: self.number(&random))),
            incarnation: IncarnationID(self.number(&random)),
            from: NodeID(self.number(&random)),
            to: NodeID(self.number(&random)),
            term: Term(self.number(&random)),
            body: self.body(kind, &random)
        )
    }

    @Test(arguments: 0...11)
    func `each kind of message arrives as it was sent`(kind: Int) throws {
        var random = SeededGenerator(seed: UInt64(kind))
        for _ in 0..<40 {
            let message = Self.message(kind, &random)
            let frame = try OutgoingFrame(message, limit: 8 << 20)
            #expect(frame.bytes.count == frame.byteCount)
            #expect(try Self.decode(frame.bytes) == message)
        }
    }

    @Test(arguments: UInt64(0)..<8)
    func `a message with wrong bytes is another message or refused, never a trap`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &+ 100)
        var refused = 0
        for round in 0..<300 {
            var bytes = try OutgoingFrame(Self.message(round % 12, &random), limit: 8 << 20).bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<min(bytes.count, 200), using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
            }
            do { _ = try Self.decode(bytes) } catch { refused += 1 }
        }
        #expect(refused > 30)
    }

    @Test func `kinds and values of a later release are refused with what to do`() throws {
        #expect(throws: UnknownMessage.self) { try RaftMessage(WireRaft(), attachments: []) }

        var request = WireAppendRequest()
        var entry = WireEntry()
        entry.kind = .UNRECOGNIZED(9)
        request.entries = [entry]
        var wire = WireRaft()
        wire.body = .appendRequest(request)
        let error = #expect(throws: UnknownMessage.self) { try RaftMessage(wire, attachments: [[1]]) }
        #expect(error?.text == "Expected a kind of entry from 0 to 2, but got 9; upgrade this node")

        var vote = WireVoteRequest()
        vote.phase = .UNRECOGNIZED(5)
        wire.body = .voteRequest(vote)
        #expect(throws: UnknownMessage.self) { try RaftMessage(wire, attachments: []) }
    }

    @Test(arguments: [0, 2]) func `each entry needs its payload, and no more`(count: Int) {
        var request = WireAppendRequest()
        request.entries = [WireEntry()]
        var wire = WireRaft()
        wire.body = .appendRequest(request)

        let attachments = [[UInt8]](repeating: [1], count: count)
        #expect(throws: UnknownMessage.self) { try RaftMessage(wire, attachments: attachments) }
    }

    @Test func `a message longer than the limit is not sent`() {
        var random = SeededGenerator(seed: 1)
        var message = Self.message(8, &random)
        message.body = .proposal([
            LogEntry(term: Term(1), index: LogIndex(1), payload: [UInt8](repeating: 0, count: 100))
        ])

        #expect(throws: TransportError.self) { try OutgoingFrame(message, limit: 90) }
        #expect(throws: Never.self) { try OutgoingFrame(message, limit: 200) }
    }
}
