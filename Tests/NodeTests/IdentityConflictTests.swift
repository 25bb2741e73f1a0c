import RaftCore
import Testing

@testable import Node

@Suite struct IdentityConflictTests {
    @Test func `who is accepted by all that refused is itself again`() {
        let conflict = IdentityConflict()
        #expect(conflict.refused(by: NodeID(3), reason: "another folder", isFinal: false))
        #expect(!conflict.refused(by: NodeID(1), reason: "formatted anew", isFinal: false))
        #expect(conflict.reason?.contains("node 1: formatted anew") == true)

        #expect(!conflict.accepted(by: NodeID(2)))
        #expect(!conflict.accepted(by: NodeID(1)))
        #expect(conflict.accepted(by: NodeID(3)))
        #expect(conflict.reason == nil)
    }

    @Test func `another process with the identity is final, whoever accepts this one`() {
        let conflict = IdentityConflict()
        _ = conflict.refused(by: NodeID(3), reason: "another folder", isFinal: false)
        #expect(!conflict.refused(by: NodeID(3), reason: "a copy", isFinal: true))

        #expect(!conflict.accepted(by: NodeID(3)))
        #expect(conflict.reason?.contains("until it is started again (node 3: a copy)") == true)
    }
}
