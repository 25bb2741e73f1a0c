import RaftCore

/// Three replicas in one thread, connected by arrays: what the bare core can do.
struct ReplicaTrio {
    private var nodes: [RaftNode<MemoryStorage>] = []
    private var storages: [MemoryStorage] = []
    private var mail: [RaftMessage] = []
    private(set) var applied: [Int] = [0, 0, 0]
    private(set) var messages = 0

    init() throws {
        let ids = [NodeID(1), NodeID(2), NodeID(3)]
        for id in ids {
            let storage = MemoryStorage(voters: ids)
            var configuration = RaftConfiguration(id: id)
            configuration.randomSeed = 1
            self.nodes.append(try RaftNode(configuration: configuration, storage: storage))
            self.storages.append(storage)
        }
        self.nodes[0].campaign()
        self.settle()
        guard self.nodes[0].role == .leader else { throw RaftStartError.invalidStorage("no leader") }
    }

    mutating func propose(_ payloads: [[UInt8]]) throws {
        try self.nodes[0].propose(payloads)
        self.settle()
    }

    /// Runs until nothing is left to do.
    private mutating func settle() {
        var isBusy = true
        while isBusy {
            isBusy = false
            for position in 0..<3 where self.nodes[position].hasReady {
                self.handleReady(position)
                isBusy = true
            }
            let batch = self.mail
            self.mail.removeAll(keepingCapacity: true)
            self.messages += batch.count
            for message in batch { self.nodes[Int(message.to.rawValue) - 1].step(message) }
            if !batch.isEmpty { isBusy = true }
        }
    }

    private mutating func handleReady(_ position: Int) {
        let ready = self.nodes[position].ready()
        if let hardState = ready.hardState { self.storages[position].set(hardState) }
        self.storages[position].append(ready.entries)
        self.mail.append(contentsOf: ready.messages)
        self.mail.append(contentsOf: ready.messagesAfterPersist)
        self.applied[position] += ready.committedEntries.count
        self.nodes[position].advance()
        let storage = self.storages[position]
        let kept = 20_000
        if storage.log.count > 2 * kept { storage.compact(through: self.nodes[position].appliedIndex) }
    }
}
