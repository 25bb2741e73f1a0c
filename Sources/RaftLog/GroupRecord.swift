import Checksum
import RaftCore

/// The bytes in which a group's incarnation, hard state, snapshot and state generation are kept, version 2:
///
/// version (1 byte), incarnation, term, vote (1 byte whether there is one, then 8), commit, snapshot index, snapshot
/// term, auto-leave (1 byte), four lists of members (4 bytes count, 8 a member), state generation, checksum (4) over
/// the group and all before it. Numbers are little-endian and of 8 bytes unless said otherwise.
///
/// Version 1, which is still read, has no state generation; it is 0 then.
enum GroupRecord {
    static let version: UInt8 = 2
    /// More members than this in one list are taken for damage.
    private static let memberLimit = 1024

    static func encode(_ status: GroupStatus) -> [UInt8] {
        var bytes: [UInt8] = [Self.version]
        bytes.reserveCapacity(128)
        Self.append(status.incarnation.rawValue, to: &bytes)
        Self.append(status.hardState.term.rawValue, to: &bytes)
        bytes.append(status.hardState.vote == nil ? 0 : 1)
        Self.append(status.hardState.vote?.rawValue ?? 0, to: &bytes)
        Self.append(status.hardState.commit.rawValue, to: &bytes)
        Self.append(status.snapshot.index.rawValue, to: &bytes)
        Self.append(status.snapshot.term.rawValue, to: &bytes)
        let configuration = status.snapshot.configuration
        bytes.append(configuration.autoLeave ? 1 : 0)
        for list in [
            configuration.voters, configuration.learners, configuration.votersOutgoing, configuration.learnersNext,
        ] {
            Self.append(UInt32(list.count), to: &bytes)
            for member in list { Self.append(member.rawValue, to: &bytes) }
        }
        Self.append(status.stateGeneration, to: &bytes)
        Self.append(Self.checksum(bytes[...], of: status.group), to: &bytes)
        return bytes
    }

    /// The group as it was written, without its last index and term, which the entries tell.
    ///
    /// - Throws: `.corrupted` for damaged bytes, `.newerVersion` for sound ones of a newer release.
    static func decode(_ bytes: [UInt8], of group: GroupID) throws(RaftLogError) -> GroupStatus {
        guard let version = Self.checkedVersion(bytes, of: group) else { throw Self.damaged(group) }
        guard (1...Self.version).contains(version) else {
            let message = "Expected a group record of at most version \(Self.version), but got version \(version)"
            throw RaftLogError(.newerVersion, group: group, message)
        }
        guard let status = Self.decode(bytes, version: version, of: group) else { throw Self.damaged(group) }
        return status
    }

    private static func damaged(_ group: GroupID) -> RaftLogError {
        RaftLogError(.corrupted, group: group, "Expected a sound group record, but got a damaged one")
    }

    /// The version that bytes with a right checksum name.
    private static func checkedVersion(_ bytes: [UInt8], of group: GroupID) -> UInt8? {
        guard bytes.count >= 5 else { return nil }
        var end = Reader(bytes: bytes, position: bytes.count - 4)
        guard end.uint32() == Self.checksum(bytes[..<(bytes.count - 4)], of: group) else { return nil }
        return bytes[0]
    }

    private static func decode(_ bytes: [UInt8], version: UInt8, of group: GroupID) -> GroupStatus? {
        var reader = Reader(bytes: bytes, position: 1)
        guard let incarnation = reader.uint64(), let term = reader.uint64(),
            let hasVote = reader.uint8(), let vote = reader.uint64(), let commit = reader.uint64(),
            let index = reader.uint64(), let snapshotTerm = reader.uint64(), let autoLeave = reader.uint8(),
            let voters = reader.members(), let learners = reader.members(), let outgoing = reader.members(),
            let learnersNext = reader.members(), let generation = version == 1 ? 0 : reader.uint64(),
            reader.position == bytes.count - 4
        else { return nil }
        // No log counts that far, and what follows could not count on from there.
        guard commit < GroupHead.indexLimit, index < GroupHead.indexLimit else { return nil }
        let configuration = ClusterConfiguration(
            voters: voters,
            learners: learners,
            votersOutgoing: outgoing,
            learnersNext: learnersNext,
            autoLeave: autoLeave == 1
        )
        return GroupStatus(
            group: group,
            incarnation: IncarnationID(incarnation),
            hardState: HardState(
                term: Term(term),
                vote: hasVote == 1 ? NodeID(vote) : nil,
                commit: LogIndex(commit)
            ),
            snapshot: SnapshotMetadata(index: LogIndex(index), term: Term(snapshotTerm), configuration: configuration),
            stateGeneration: generation,
            lastIndex: LogIndex(index),
            lastTerm: Term(snapshotTerm)
        )
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>, of group: GroupID) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(group.rawValue)
        bytes.withUnsafeBytes { checksum.add($0) }
        return checksum.value
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position: Int

        mutating func uint8() -> UInt8? {
            guard self.position < self.bytes.count else { return nil }
            self.position += 1
            return self.bytes[self.position - 1]
        }

        mutating func uint32() -> UInt32? { self.integer(UInt32.self) }
        mutating func uint64() -> UInt64? { self.integer(UInt64.self) }

        mutating func members() -> [NodeID]? {
            guard let count = self.uint32(), count <= GroupRecord.memberLimit else { return nil }
            var members: [NodeID] = []
            for _ in 0..<count {
                guard let member = self.uint64() else { return nil }
                members.append(NodeID(member))
            }
            return members
        }

        private mutating func integer<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
            let size = MemoryLayout<Value>.size
            guard self.bytes.count - self.position >= size else { return nil }
            var value: Value = 0
            for offset in (0..<size).reversed() { value = value << 8 | Value(self.bytes[self.position + offset]) }
            self.position += size
            return value
        }
    }
}
