import RaftCore
import SwiftProtobuf

@testable import ClusterTransport

/// What arrives on a connection between nodes, behind TLS.
extension FuzzTarget {
    static let transportTargets = [frames, raftMessages]

    private static let limit = 1 << 20

    /// The first byte says in which pieces the stream arrives.
    private static let frames = FuzzTarget(
        name: "frame",
        what: "the cluster transport's stream of frames",
        bytesLimit: 4_096,
        seeds: {
            let all = sampleMessages.compactMap { try? OutgoingFrame($0, limit: limit).bytes }
            return all.map { [7] + $0 } + [[200] + Array(all.joined())]
        },
        run: { input in
            let piece = Int(input.first ?? 0) + 1
            let whole = read(Array(input.dropFirst()), piece: 1 << 16)
            guard read(Array(input.dropFirst()), piece: piece) == whole else { return "other frames from other pieces" }
            for frame in whole.frames {
                guard let envelope = try? WireEnvelope(serializedBytes: frame.header),
                    case .raft(let raft) = envelope.body
                else { continue }
                _ = try? RaftMessage(raft, attachments: frame.attachments)
            }
            return nil
        }
    )

    /// One frame's header, with as many small attachments as the first byte says: gets deeper than a stream does.
    private static let raftMessages = FuzzTarget(
        name: "raft-message",
        what: "consensus messages between nodes",
        bytesLimit: 2_048,
        seeds: {
            sampleMessages.compactMap { message in
                guard let frame = try? OutgoingFrame(message, limit: limit) else { return nil }
                let bytes = frame.bytes
                let header = bytes[4..<8].reduce(0) { $0 << 8 | Int($1) }
                return [2] + bytes[8..<8 + header]
            }
        },
        run: { input in
            let attachments = (0..<Int(input.first ?? 0)).map { [UInt8](repeating: 1, count: $0) }
            guard let envelope = try? WireEnvelope(serializedBytes: Array(input.dropFirst())),
                case .raft(let raft) = envelope.body,
                let message = try? RaftMessage(raft, attachments: attachments)
            else { return nil }
            guard let bytes = try? OutgoingFrame(message, limit: limit).bytes,
                let frame = read(bytes, piece: 4_096).frames.first,
                let again = try? WireEnvelope(serializedBytes: frame.header), case .raft(let copy) = again.body
            else { return "a message that cannot be sent on" }
            return (try? RaftMessage(copy, attachments: frame.attachments)) == message
                ? nil : "another message when sent"
        }
    )

    private struct Frames: Equatable {
        var frames: [IncomingFrame] = []
        var isRefused = false
    }

    private static func read(_ bytes: [UInt8], piece: Int) -> Frames {
        var reader = FrameReader(limit: limit)
        var found = Frames()
        var position = 0
        while position < bytes.count {
            let taken = reader.fill { space in
                let count = min(piece, bytes.count - position, space.count)
                bytes[position..<position + count].withUnsafeBytes { space.copyMemory(from: $0) }
                return count
            }
            position += taken
            do {
                while let frame = try reader.next() { found.frames.append(frame) }
            } catch {
                found.isRefused = true
                return found
            }
            // A reader without space that asks for no more would never end.
            precondition(taken > 0, "Expected space for more bytes, but got none")
        }
        return found
    }

    private static let sampleMessages: [RaftMessage] = {
        let entry = LogEntry(term: Term(3), index: LogIndex(8), kind: .normal, payload: [1, 2, 3])
        let id = EntryID(term: Term(2), index: LogIndex(7))
        let bodies: [RaftMessage.Body] = [
            .proposal([entry]), .timeoutNow, .transferRequest(to: NodeID(3)),
            .appendRequest(AppendRequest(previous: id, commit: LogIndex(6), entries: [entry, entry])),
            .appendResponse(AppendResponse(index: LogIndex(5), rejectionHint: id)),
            .heartbeat(Heartbeat(commit: LogIndex(1), acknowledged: LogIndex(2), readID: 9)),
            .heartbeatResponse(HeartbeatResponse(readID: 9, lostAcknowledged: LogIndex(4))),
            .snapshot(Snapshot(metadata: SnapshotMetadata(configuration: ClusterConfiguration(voters: [NodeID(1)])))),
            .readIndexRequest(ReadRequestID(4)), .readIndexResponse(ReadRequestID(4), index: LogIndex(2)),
        ]
        return bodies.map {
            RaftMessage(
                group: GroupID(1),
                incarnation: IncarnationID(77),
                from: NodeID(1),
                to: NodeID(2),
                term: Term(3),
                body: $0
            )
        }
    }()
}
