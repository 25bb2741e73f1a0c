import RaftCore
import Testing

struct SingleVoterTests {
    @Test
    func `a single voter commits what it proposed once it is durable`() throws {
        let storage = MemoryStorage(voters: [NodeID(1)])
        var node = try RaftNode(configuration: RaftConfiguration(id: NodeID(1)), storage: storage)
        node.campaign()
        var applied: [LogEntry] = []
        var proposed: EntryID?
        for _ in 0..<20 {
            if node.role == .leader, proposed == nil { proposed = try node.propose([1, 2, 3]) }
            guard node.hasReady else { break }
            let ready = node.ready()
            if let hardState = ready.hardState { storage.set(hardState) }
            storage.append(ready.entries)
            applied += ready.committedEntries
            node.advance()
            #expect(node.checkInvariants() == [])
        }
        #expect(applied.last?.id == proposed)
        #expect(applied.map(\.payload) == [[], [1, 2, 3]])
    }
}
