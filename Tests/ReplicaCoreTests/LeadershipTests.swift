import ProcessEngine
import RaftCore
import ReplicaCore
import StateStore
import Testing

/// Three replicas whose messages are carried by hand.
final class Trio {
    var members: [ReplicaHarness] = []
    /// Members that are cut off.
    var isolated: Set<UInt64> = []

    init() throws {
        members = try (1...3).map { try ReplicaHarness(id: $0, voters: [1, 2, 3]) }
    }

    subscript(id: UInt64) -> ReplicaHarness { members[Int(id) - 1] }

    /// Carries messages until there are none.
    func settle() throws {
        var isMoving = true
        while isMoving {
            isMoving = false
            for member in members {
                for message in member.takeOutgoing() {
                    isMoving = true
                    guard !isolated.contains(member.id.rawValue), !isolated.contains(message.to.rawValue),
                        message.to.rawValue <= members.count
                    else { continue }
                    try self[message.to.rawValue].step([.received(message)])
                }
            }
        }
    }

    /// Lets time pass for some until one of them leads.
    func elect(among ids: [UInt64]) throws -> ReplicaHarness {
        for _ in 0..<200 {
            for id in ids {
                try self[id].tick()
                try settle()
            }
            if let leader = ids.map({ self[$0] }).first(where: { $0.replica.isReady }) { return leader }
        }
        throw EngineFault("Expected a leader")
    }
}

@Suite struct LeadershipTests {
    @Test func `followers have what the leader has`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.define()
        try trio.settle()
        let id = try leader.submit(ReplicaHarness.create)
        #expect(leader.answers[id] == nil, "a quorum has not got it")
        try trio.settle()
        #expect(leader.created(id) != nil)

        for _ in 0..<3 {
            try leader.tick()
            try trio.settle()
        }

        for member in trio.members { #expect(try rows(member.state.inner) == rows(leader.state.inner)) }
    }

    @Test func `a follower refuses commands`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        let follower = try #require(trio.members.first { $0.id != leader.id })
        let id = try follower.submit(ReplicaHarness.create)
        #expect(follower.isRefused(id))
    }

    @Test func `a deposed leader drops what it executed and takes over what the new one decided`() throws {
        let trio = try Trio()
        let old = try trio.elect(among: [1, 2, 3])
        try old.define()
        try trio.settle()
        let poll = try old.submit(ReplicaHarness.activate(), waitsFor: 100_000)
        trio.isolated = [old.id.rawValue]
        let executed = try old.submit(ReplicaHarness.create, key: "k")
        let awaited = Command.createInstance(
            .init(definition: .processID("p", version: nil), awaitedResult: AwaitedResult(fetchVariables: []))
        )
        let queued = try old.submit(awaited)

        let others = [UInt64(1), 2, 3].filter { $0 != old.id.rawValue }
        let new = try trio.elect(among: others)
        let done = try new.submit(ReplicaHarness.create("7"), key: "k2")
        try trio.settle()
        trio.isolated = []
        for _ in 0..<5 {
            try new.tick()
            try trio.settle()
        }

        #expect(new.created(done) != nil)
        #expect(old.isRefused(executed), "another leader's entry took its place, so it surely never counts")
        #expect(old.isRefused(queued) || old.isUnknown(queued))
        #expect(old.isRefused(poll))
        for member in trio.members { #expect(try rows(member.state.inner) == rows(new.state.inner)) }
        let fresh = try ReplicaHarness(
            id: old.id.rawValue,
            voters: [1, 2, 3],
            storage: old.storage.copy(),
            state: SQLiteState.inMemory()
        )
        for _ in 0..<3 { try fresh.step([]) }
        let applied = fresh.state.position.appliedIndex
        #expect(applied <= old.state.position.appliedIndex)
    }

    @Test func `a client in an open batch hears nothing until its fate is known`() throws {
        let trio = try Trio()
        let old = try trio.elect(among: [1, 2, 3])
        try old.define()
        try trio.settle()
        trio.isolated = [old.id.rawValue]
        let awaited = try old.submit(
            .createInstance(
                .init(definition: .processID("p", version: nil), awaitedResult: AwaitedResult(fetchVariables: []))
            )
        )

        // Without a quorum it steps down by itself.
        try old.tick(60)

        #expect(old.replica.role != .leader)
        #expect(old.answers[awaited] == nil && old.replica.hasOrphans)
    }

    @Test func `a batch that the new leader committed after all arrives as events`() throws {
        let trio = try Trio()
        let old = try trio.elect(among: [1, 2, 3])
        try old.define()
        try trio.settle()
        let id = try old.submit(ReplicaHarness.create)
        // The others get the entry, but their answers are lost with the leader's connection.
        for message in old.takeOutgoing() { try trio[message.to.rawValue].step([.received(message)]) }
        for member in trio.members { _ = member.takeOutgoing() }
        trio.isolated = [old.id.rawValue]
        let new = try trio.elect(among: [UInt64(1), 2, 3].filter { $0 != old.id.rawValue })
        trio.isolated = []
        for _ in 0..<5 {
            try new.tick()
            try trio.settle()
        }

        #expect(old.created(id) != nil, "its entry was committed, so its answer counts")
        #expect(try rows(old.state.inner) == rows(new.state.inner))
        #expect(new.jobs(try new.submit(ReplicaHarness.activate(limit: 5)))?.count == nil, "a quorum has to agree")
        try trio.settle()
        #expect(new.replica.statistics.jobsActivated == 1)
    }

    @Test func `a follower without space waits for some and catches up`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.define()
        try trio.settle()
        let follower = try #require(trio.members.first { $0.id != leader.id })
        follower.state.failsCommits = true
        for _ in 0..<3 {
            try leader.submit(ReplicaHarness.create)
            try trio.settle()
            try leader.tick()
            try trio.settle()
            for member in trio.members { try member.save() }
        }
        #expect(follower.state.position.appliedIndex < leader.state.position.appliedIndex)
        #expect(follower.replica.wakeTime != nil)

        follower.state.failsCommits = false
        try follower.pass(milliseconds: 1_000)
        for _ in 0..<3 {
            try leader.tick()
            try trio.settle()
        }
        for member in trio.members { try member.save() }

        #expect(try rows(follower.state.inner) == rows(leader.state.inner))
    }

    @Test func `a follower to which more comes with every sync of its log applies all the same`() throws {
        let trio = try Trio()
        let leader = try trio.elect(among: [1, 2, 3])
        try leader.define()
        try trio.settle()
        let follower = try #require(trio.members.first { $0.id != leader.id })
        let before = follower.replica.appliedIndex
        var inputs: [ReplicaInput] = []
        for _ in 0..<20 {
            try leader.submit(ReplicaHarness.create)
            for message in leader.takeOutgoing() {
                if message.to == follower.id {
                    inputs.append(.received(message))
                } else {
                    try trio[message.to.rawValue].step([.received(message)])
                }
            }
            for member in trio.members where member.id != follower.id && member.id != leader.id {
                try leader.step(member.takeOutgoing().filter { $0.to == leader.id }.map { .received($0) })
            }

            // Nothing is asked of the replica before its log is synced, and by then there is more.
            let actions = try follower.replica.step(inputs, time: follower.time)
            inputs = []
            for case .persist(let work) in actions {
                if let hardState = work.hardState { follower.storage.set(hardState) }
                follower.storage.append(work.entries)
                inputs.append(.persisted(work))
            }
        }
        #expect(follower.replica.appliedIndex > before + 10)
    }
}
