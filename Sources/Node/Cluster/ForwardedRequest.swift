import ProcessEngine
import RaftCore
import ReplicaCore

/// What one node asks of another: of the leader of a group, mostly. Times are durations, since clocks differ.
enum ForwardedRequest: Hashable, Sendable {
    case submit(group: UInt32, RequestedCommand, waitsMilliseconds: Int64?, timeoutMilliseconds: Int64)
    /// The leader of the sending group hands something over; not answered with a result.
    case schedule(group: UInt32, InternalCommand)
    case changeMembers(group: UInt32, RequestID, MemberChange, timeoutMilliseconds: Int64)
    case transferLeadership(group: UInt32, to: NodeID?)
    /// The snapshot that the leader offered could not be fetched.
    case snapshotFailed(group: UInt32)
    /// What has ended the process of the sender; answered with the same of the receiver.
    case crashes([ExecutionMark])
    /// A node that does not run wants the leader's state; answered with a `SnapshotReply`.
    case snapshotWanted(group: UInt32, atLeast: UInt64)

    static let version: UInt8 = 1

    func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 512)
        writer.write(ForwardedRequest.version)
        switch self {
        case .submit(let group, let request, let waits, let timeout):
            writer.write(UInt8(0))
            writer.write(UInt64(group))
            writer.write(request.id.text)
            writer.write(request.idempotencyKey?.text)
            writer.write(waits)
            writer.write(timeout)
            request.command.write(to: &writer)
        case .schedule(let group, let command):
            writer.write(UInt8(1))
            writer.write(UInt64(group))
            command.writeForwarded(to: &writer)
        case .changeMembers(let group, let id, let change, let timeout):
            writer.write(UInt8(2))
            writer.write(UInt64(group))
            writer.write(id.text)
            writer.write(timeout)
            change.write(to: &writer)
        case .transferLeadership(let group, let node):
            writer.write(UInt8(3))
            writer.write(UInt64(group))
            writer.write(node?.rawValue ?? 0 as UInt64)
        case .snapshotFailed(let group):
            writer.write(UInt8(4))
            writer.write(UInt64(group))
        case .crashes(let marks):
            writer.write(UInt8(5))
            writer.write(UInt64(0))
            writer.write(UInt64(marks.count))
            for mark in marks {
                writer.write(mark.kind.rawValue)
                writer.write(mark.id)
            }
        case .snapshotWanted(let group, let index):
            writer.write(UInt8(6))
            writer.write(UInt64(group))
            writer.write(index)
        }
        return writer.bytes
    }

    /// - Throws: `DecodingFailure`.
    init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        let found = try reader.byte()
        guard found == ForwardedRequest.version else {
            throw DecodingFailure("Expected a request of version \(ForwardedRequest.version), but got \(found)")
        }
        let kind = try reader.byte()
        let group = try reader.group()
        switch kind {
        case 0:
            let id = RequestID(try reader.string())
            let key = try reader.optionalString().map { RequestID($0) }
            let waits = try reader.optional { try $0.int64() }
            let timeout = try reader.int64()
            let command = try Command(from: &reader)
            self = .submit(
                group: group,
                RequestedCommand(id: id, idempotencyKey: key, command: command),
                waitsMilliseconds: waits,
                timeoutMilliseconds: timeout
            )
        case 1: self = .schedule(group: group, try InternalCommand(forwarded: &reader))
        case 2:
            let id = RequestID(try reader.string())
            let timeout = try reader.int64()
            self = .changeMembers(group: group, id, try MemberChange(from: &reader), timeoutMilliseconds: timeout)
        case 3:
            let node = try reader.unsigned()
            self = .transferLeadership(group: group, to: node == 0 ? nil : NodeID(node))
        case 4: self = .snapshotFailed(group: group)
        case 5:
            self = .crashes(
                try reader.list {
                    ExecutionMark(kind: try $0.enumeration(ExecutionMark.Kind.self), id: try $0.int64())
                }
            )
        case 6: self = .snapshotWanted(group: group, atLeast: try reader.unsigned())
        default: throw DecodingFailure("Expected a request of kind 0 to 6, but got \(kind)")
        }
        guard reader.isAtEnd else { throw DecodingFailure("Expected the end of the request, but got more bytes") }
    }
}

extension InternalCommand {
    /// Only what one group tells another, and what a gateway gives back, goes between nodes.
    fileprivate func writeForwarded(to writer: inout ByteWriter) {
        switch self {
        case .receive(let transfer, let source, let sequence):
            writer.write(UInt8(0))
            transfer.write(to: &writer)
            writer.write(UInt64(source))
            writer.write(sequence)
        case .acknowledge(let target, let sequence):
            writer.write(UInt8(1))
            writer.write(UInt64(target))
            writer.write(sequence)
        case .returnJob(let key, let deadline):
            writer.write(UInt8(2))
            writer.write(key)
            writer.write(deadline)
        default: preconditionFailure("Expected a command for another node, but got \(self)")
        }
    }

    fileprivate init(forwarded reader: inout ByteReader) throws {
        switch try reader.byte() {
        case 0:
            self = .receive(
                try Transfer(from: &reader),
                sourceGroup: try reader.group(),
                sequence: try reader.int64()
            )
        case 1: self = .acknowledge(targetGroup: try reader.group(), sequence: try reader.int64())
        case 2: self = .returnJob(try reader.key(), deadline: try reader.int64())
        case let other: throw DecodingFailure("Expected an internal command of kind 0 to 2, but got \(other)")
        }
    }
}

extension MemberChange {
    fileprivate func write(to writer: inout ByteWriter) {
        switch self {
        case .addLearner(let node, let address):
            writer.write(UInt8(0))
            writer.write(node.rawValue)
            writer.write(address)
        case .promote(let node):
            writer.write(UInt8(1))
            writer.write(node.rawValue)
        case .remove(let node):
            writer.write(UInt8(2))
            writer.write(node.rawValue)
        case .replaceVoter(let old, let new):
            writer.write(UInt8(3))
            writer.write(old.rawValue)
            writer.write(new.rawValue)
        case .leaveJoint: writer.write(UInt8(4))
        }
    }

    fileprivate init(from reader: inout ByteReader) throws {
        switch try reader.byte() {
        case 0: self = .addLearner(NodeID(try reader.unsigned()), address: try reader.string())
        case 1: self = .promote(NodeID(try reader.unsigned()))
        case 2: self = .remove(NodeID(try reader.unsigned()))
        case 3: self = .replaceVoter(NodeID(try reader.unsigned()), by: NodeID(try reader.unsigned()))
        case 4: self = .leaveJoint
        case let other: throw DecodingFailure("Expected a change of members of kind 0 to 4, but got \(other)")
        }
    }
}

/// A replica's answer on its way to the node that forwarded the request.
enum ForwardedAnswer {
    static func encode(_ answer: ReplicaAnswer) -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.write(ForwardedRequest.version)
        switch answer {
        case .answered(let answer):
            writer.write(UInt8(0))
            answer.write(to: &writer)
        case .refused(let reason): write(1, reason, &writer)
        case .misdirected(let reason): write(2, reason, &writer)
        case .unknown(let reason): write(3, reason, &writer)
        case .failed(let reason): write(4, reason, &writer)
        case .done: writer.write(UInt8(5))
        case .impossible(let reason): write(6, reason, &writer)
        case .tooEarly(let reason): write(7, reason, &writer)
        }
        return writer.bytes
    }

    private static func write(_ kind: UInt8, _ reason: String, _ writer: inout ByteWriter) {
        writer.write(kind)
        writer.write(reason)
    }

    /// - Throws: `DecodingFailure`.
    static func decode(_ bytes: [UInt8]) throws -> ReplicaAnswer {
        var reader = ByteReader(bytes)
        let found = try reader.byte()
        guard found == ForwardedRequest.version else {
            throw DecodingFailure("Expected an answer of version \(ForwardedRequest.version), but got \(found)")
        }
        switch try reader.byte() {
        case 0: return .answered(try Answer(from: &reader))
        case 1: return .refused(reason: try reader.string())
        case 2: return .misdirected(reason: try reader.string())
        case 3: return .unknown(reason: try reader.string())
        case 4: return .failed(reason: try reader.string())
        case 5: return .done
        case 6: return .impossible(reason: try reader.string())
        case 7: return .tooEarly(reason: try reader.string())
        case let other: throw DecodingFailure("Expected an answer of kind 0 to 7, but got \(other)")
        }
    }
}
