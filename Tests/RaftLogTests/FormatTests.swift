import Checksum
import Testing

@testable import RaftCore
@testable import RaftLog

/// What is on disk stays readable: changes here need a new version and a decoder for this one.
struct FormatTests {
    @Test(
        arguments: [
            ("", 0), ("a", 0xC1D0_4330), ("123456789", 0xE306_9283),
            ("The quick brown fox jumps over the lazy dog", 0x2262_0404),
        ] as [(String, UInt32)]
    )
    func `the checksum is CRC-32C`(text: String, expected: UInt32) {
        var whole = CRC32C()
        whole.add(Array(text.utf8))
        var parts = CRC32C()
        for byte in text.utf8 { parts.add(byte) }

        #expect(whole.value == expected)
        #expect(parts.value == expected)
    }

    private static let status = GroupStatus(
        group: GroupID(3),
        incarnation: IncarnationID(0x0102_0304_0506_0708),
        hardState: HardState(term: Term(9), vote: NodeID(2), commit: LogIndex(77)),
        snapshot: SnapshotMetadata(
            index: LogIndex(70),
            term: Term(8),
            configuration: ClusterConfiguration(
                voters: [NodeID(1), NodeID(2)],
                learners: [NodeID(4)],
                votersOutgoing: [NodeID(1)],
                learnersNext: [],
                autoLeave: true
            )
        ),
        stateGeneration: 0x0A_0B0C,
        lastIndex: LogIndex(70),
        lastTerm: Term(8)
    )

    /// What both versions have between version and state generation.
    private static let commonBytes =
        "8 7 6 5 4 3 2 1 9 0 0 0 0 0 0 0 1 2 0 0 0 0 0 0 0 4d 0 0 0 0 0 0 0 46 0 0 0 0 0 0 0 "
        + "8 0 0 0 0 0 0 0 1 2 0 0 0 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0 1 0 0 0 4 0 0 0 0 0 0 0 "
        + "1 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0"

    @Test func `a group record of version 2 has the same bytes for ever`() throws {
        let bytes = GroupRecord.encode(Self.status)

        let text = bytes.map { String($0, radix: 16) }.joined(separator: " ")
        #expect(text == "2 \(Self.commonBytes) c b a 0 0 0 0 0 82 5e e1 78")
        #expect(try GroupRecord.decode(bytes, of: GroupID(3)) == Self.status)
    }

    @Test func `a group record of version 1 is read, with state generation 0`() throws {
        let text = "1 \(Self.commonBytes) e6 f9 65 4c"
        let bytes = text.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        var expected = Self.status
        expected.stateGeneration = 0

        #expect(try GroupRecord.decode(bytes, of: GroupID(3)) == expected)
    }

    @Test func `a sound group record of a newer version is named as such`() {
        var bytes = Array(GroupRecord.encode(Self.status).dropLast(4))
        bytes[0] = 3
        var checksum = CRC32C()
        checksum.add(UInt32(3))
        checksum.add(bytes)
        withUnsafeBytes(of: checksum.value.littleEndian) { bytes.append(contentsOf: $0) }

        let error = #expect(throws: RaftLogError.self) { try GroupRecord.decode(bytes, of: GroupID(3)) }

        #expect(error?.code == .newerVersion)
        #expect(error?.message == "Expected a group record of at most version 2, but got version 3")
    }

    @Test func `a group record that is cut, flipped, moved or made up is refused`() {
        let bytes = GroupRecord.encode(Self.status)

        for length in 0..<bytes.count { #expect(Self.code(Array(bytes[..<length]), 3) == .corrupted) }
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(Self.code(damaged, 3) == .corrupted)
        }
        #expect(Self.code(bytes, 4) == .corrupted)
    }

    @Test(arguments: [GroupHead.indexLimit, .max])
    func `a group record with an index that no log reaches is refused`(index: UInt64) {
        var far = Self.status
        far.snapshot.index = LogIndex(index)
        var committed = Self.status
        committed.hardState.commit = LogIndex(index)

        #expect(Self.code(GroupRecord.encode(far), 3) == .corrupted)
        #expect(Self.code(GroupRecord.encode(committed), 3) == .corrupted)
    }

    private static func code(_ bytes: [UInt8], _ group: UInt32) -> RaftLogError.Code? {
        #expect(throws: RaftLogError.self) { try GroupRecord.decode(bytes, of: GroupID(group)) }?.code
    }

    @Test func `a record of random bytes with a right checksum never traps`() throws {
        var state: UInt64 = 1
        for _ in 0..<2000 {
            var bytes: [UInt8] = [GroupRecord.version]
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            for position in 0..<Int(state >> 56) {
                bytes.append(UInt8(truncatingIfNeeded: position > 50 ? state >> 60 : state >> UInt64(position % 50)))
            }
            var checksum = CRC32C()
            checksum.add(UInt32(3))
            checksum.add(bytes)
            withUnsafeBytes(of: checksum.value.littleEndian) { bytes.append(contentsOf: $0) }
            if let status = try? GroupRecord.decode(bytes, of: GroupID(3)) {
                // Flags may have other values than 0 and 1 in made-up records; what was read must be stable.
                #expect(try GroupRecord.decode(GroupRecord.encode(status), of: GroupID(3)) == status)
            }
        }
    }
}
