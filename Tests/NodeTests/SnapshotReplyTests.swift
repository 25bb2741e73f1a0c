import ProcessEngine
import Testing

@testable import Node

@Suite struct SnapshotReplyTests {
    @Test(arguments: [.here([1, 2, 3]), .here([]), .notYet, .notLeader] as [SnapshotReply])
    func `an answer is read as it was written, and half of it is refused`(_ reply: SnapshotReply) throws {
        let bytes = reply.encoded()

        #expect(try SnapshotReply(decoding: bytes) == reply)
        for count in 0..<bytes.count {
            #expect(throws: DecodingFailure.self) { try SnapshotReply(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: DecodingFailure.self) { try SnapshotReply(decoding: bytes + [0]) }
    }

    @Test func `what another release may say is refused, not misread`() {
        #expect(throws: DecodingFailure.self) { try SnapshotReply(decoding: [ForwardedRequest.version, 3]) }
        #expect(throws: DecodingFailure.self) { try SnapshotReply(decoding: [ForwardedRequest.version + 1, 1]) }
    }

    @Test func `the wish for a snapshot is read as it was written`() throws {
        let wish = ForwardedRequest.snapshotWanted(group: 1, atLeast: 1 << 60)
        #expect(try ForwardedRequest(decoding: wish.encoded()) == wish)
    }
}
