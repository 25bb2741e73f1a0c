import Linearizability
import RaftCore

/// The host of each node: what a server does with inputs, work and answers.
extension KeyValueSimulation {
    // MARK: Life

    /// A new server with empty files; founders begin with the snapshot that names them.
    mutating func addServer(founders: [NodeID]) {
        let id = NodeID(UInt64(self.servers.count + 1))
        guard let disk = self.makeDisk(id, founders: founders) else { return }
        var server = KeyValueServer(id: id, disk: disk)
        server.clockRate = self.draw(self.options.clockRates)
        if server.clockRate != 100 { self.report.count(.clockDrift) }
        self.servers.append(server)
    }

    mutating func makeDisk(_ id: NodeID, founders: [NodeID]) -> ServerDisk? {
        var state = KeyValueState()
        if founders.contains(id) {
            state.index = LogIndex(1)
            state.term = Term(1)
            state.members = ClusterConfiguration(voters: founders)
        }
        let defects = self.options.defects
        guard self.options.usesRealFiles else {
            return ServerDisk(ModelledDisk(founding: state, defects: defects), defects: defects)
        }
        do throws(DiskTrouble) {
            let disk = try SQLiteDisk(node: id, founding: state, defects: defects, seed: self.random.next())
            return ServerDisk(disk, defects: defects)
        } catch {
            self.checker.report("files: those of \(id) cannot be made: \(error)")
            return nil
        }
    }

    mutating func start(_ id: NodeID) {
        let position = self.position(id)
        guard self.servers[position].node == nil, !self.isAway(id) else { return }
        let disk = self.servers[position].disk
        var configuration = RaftConfiguration(id: id)
        configuration.randomSeed = self.random.next()
        configuration.applied = disk.state.index
        configuration.asynchronousStorageWrites = true
        configuration.electionTicks = self.options.electionTicks
        configuration.maxInflightMessages = self.options.maxInflightMessages
        configuration.maxMessageBytes = self.options.maxMessageBytes
        configuration.maxApplyingBytes = self.options.maxApplyingBytes
        configuration.maxUncommittedBytes = 20_000
        configuration.electionPriority = .rank(UInt8(id.rawValue % 2))
        configuration.plantedDefects = self.options.defects.planted
        self.servers[position].life += 1
        do throws(RaftStartError) {
            self.servers[position].node = try RaftNode(configuration: configuration, storage: disk)
        } catch {
            self.checker.report("restart: \(id) does not start: \(error)")
            return
        }
        self.checker.persisted(disk.backend.hardState, by: id)
        if let node = self.servers[position].node { self.checker.restarted(node) }
        let life = self.servers[position].life
        self.queue.plan(.tick(id, life: life), at: self.now + 1 + self.random.next(below: self.options.tickTime))
        self.settle(id)
    }

    mutating func tick(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        self.note(id.rawValue)
        self.with(id) { $0.tick() }
        let length = max(1, self.options.tickTime * self.servers[self.position(id)].clockRate / 100)
        self.queue.plan(.tick(id, life: life), at: self.now + length)
    }

    // MARK: Inputs

    /// Gives a node an input and does what it asks for.
    mutating func with(_ id: NodeID, _ input: (inout RaftNode<ServerDisk>) -> Void) {
        let position = self.position(id)
        guard var node = self.servers[position].node.take() else { return }
        input(&node)
        self.servers[position].node = node
        self.settle(id)
    }

    private mutating func settle(_ id: NodeID) {
        let position = self.position(id)
        self.checker.check(self.servers[position], among: self.servers)
        while self.checker.violations.isEmpty, let ready = self.nextReady(position) {
            self.checker.appended(ready.entries, by: self.servers[position].node, id)
            for read in ready.readStates { self.confirm(read, at: position) }
            for request in ready.failedReads { self.fail(request, at: position) }
            for alarm in ready.alarms { self.checker.report("no alarm: \(id) raises \(alarm)") }
            for message in ready.messages { self.send(message) }
            self.enqueue(ready, at: position)
            self.checker.check(self.servers[position], among: self.servers)
        }
    }

    private mutating func nextReady(_ position: Int) -> Ready? {
        guard self.servers[position].node?.hasReady == true else { return nil }
        return self.servers[position].node?.ready()
    }

    private mutating func enqueue(_ ready: Ready, at position: Int) {
        let id = self.servers[position].id
        let life = self.servers[position].life
        if let work = ready.storageAppend {
            self.servers[position].appendQueue.append(work)
            if self.servers[position].appendQueue.count == 1 {
                self.queue.plan(.diskDone(id, life: life), at: self.diskTime(position))
            }
            // Votes are few, so crashes around them are sought.
            let isVote = work.hardState?.vote != nil && work.entries.isEmpty
            let weight = isVote ? 25 : 1
            if self.happens(weight * self.options.crashAtWriteChance), self.injected < self.options.faultLimit {
                // Between what was sent and what it depends on.
                self.injected += 1
                self.report.count(.crashAtWrite)
                let delay = self.random.next(below: isVote ? 5 : 25)
                self.queue.plan(.crash(id, life: life), at: self.now + delay)
            }
        }
        if let work = ready.storageApply {
            self.servers[position].applyQueue.append(work)
            if self.servers[position].applyQueue.count == 1 {
                let latency = self.draw(self.options.applyLatency)
                self.queue.plan(.applyDone(id, life: life), at: self.now + latency)
            }
        }
    }

    private mutating func diskTime(_ position: Int) -> Int {
        max(self.now + self.draw(self.options.diskLatency), self.servers[position].diskStalledUntil)
    }

    // MARK: Log

    mutating func diskDone(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        let position = self.position(id)
        if self.servers[position].diskStalledUntil > self.now {
            self.queue.plan(.diskDone(id, life: life), at: self.servers[position].diskStalledUntil)
            return
        }
        // One sync serves what has gathered, as in a host with group commit.
        let gathered = self.servers[position].appendQueue.count
        for _ in 0..<(self.random.next(below: 3) == 0 ? 1 : gathered) {
            guard let work = self.servers[position].appendQueue.first else { break }
            // What finds no space has planned its next attempt.
            guard self.write(work, at: position) else { return }
            self.servers[position].appendQueue.removeFirst()
            self.servers[position].acknowledging.append(work)
            let isLate = self.options.lateAcknowledgements && self.random.next(below: 3) == 0
            let delay = self.random.next(below: isLate ? 120 : 3)
            self.queue.plan(.acknowledge(id, life: life), at: self.now + delay)
        }
        guard self.servers[position].node != nil, !self.servers[position].appendQueue.isEmpty else { return }
        self.queue.plan(.diskDone(id, life: life), at: max(self.now + 1, self.diskTime(position)))
    }

    /// False if there is no space now; the work stays where it is.
    private mutating func write(_ work: StorageAppend, at position: Int) -> Bool {
        let id = self.servers[position].id
        let before = self.servers[position].disk.state.index
        do throws(DiskTrouble) {
            try self.servers[position].disk.backend.append(LogStep(work))
        } catch {
            if error == .full, self.servers[position].isFull {
                self.queue.plan(.diskDone(id, life: self.servers[position].life), at: self.now + 50)
            } else {
                self.checker.report("files: \(id) cannot append: \(error)")
            }
            return false
        }
        if let hardState = work.hardState { self.checker.persisted(hardState, by: id) }
        if let snapshot = work.snapshot {
            self.report.snapshots += 1
            let state = self.servers[position].disk.state
            if state.index > before {
                let digest = state.digest
                self.checker.applied(at: snapshot.id.index, digest: digest, members: state.members, by: id)
                // What a snapshot skips can be answered no more: nobody here knows the outcome.
                self.servers[position].proposed = self.servers[position].proposed.filter { $0.key > state.index }
                self.serveWaiting(position)
            }
        }
        return true
    }

    mutating func acknowledge(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        let position = self.position(id)
        let work = self.servers[position].acknowledging.removeFirst()
        for message in self.servers[position].node?.persisted(work) ?? [] { self.send(message) }
        self.settle(id)
    }

    // MARK: State machine

    mutating func applyDone(_ id: NodeID, _ life: Int) {
        guard self.isAlive(id, life) else { return }
        let position = self.position(id)
        if self.servers[position].diskStalledUntil > self.now {
            self.queue.plan(.applyDone(id, life: life), at: self.servers[position].diskStalledUntil)
            return
        }
        guard let work = self.servers[position].applyQueue.first else { return }
        if self.servers[position].isFull {
            self.queue.plan(.applyDone(id, life: life), at: self.now + 50)
            return
        }
        self.servers[position].applyQueue.removeFirst()
        if !self.servers[position].applyQueue.isEmpty {
            self.queue.plan(.applyDone(id, life: life), at: self.now + self.draw(self.options.applyLatency))
        }
        self.apply(work.entries, at: position)
        guard self.servers[position].node != nil else { return }
        self.servers[position].node?.applied(work.acknowledgement)
        self.settle(id)
    }

    /// Applies entries in one transaction, then answers.
    private mutating func apply(_ entries: [LogEntry], at position: Int) {
        let id = self.servers[position].id
        var state = self.servers[position].disk.state
        let deduplicates = !self.options.defects.contains(.noDeduplication)
        var effects: [(entry: LogEntry, effect: KeyValueState.Effect)] = []
        for entry in entries where entry.index > state.index {
            guard entry.index == state.index.next else {
                self.checker.report("order: \(id) applies \(entry.index) after \(state.index)")
                return
            }
            self.checker.applying(entry, by: id)
            let effect = state.apply(entry, deduplicates: deduplicates)
            if entry.kind != .normal, let members = try? self.servers[position].node?.applyConfigurationChange(entry) {
                state.members = members
            }
            self.noteEffect(effect, of: entry)
            if entry.kind != .normal, entry.index > self.newestMembersIndex {
                self.newestMembers = state.members
                self.newestMembersIndex = entry.index
            }
            self.checker.applied(at: entry.index, digest: state.digest, members: state.members, by: id)
            effects.append((entry, effect))
        }
        guard !effects.isEmpty else { return }
        let isDurable = self.random.next(below: self.options.commitsBetweenSyncs) == 0
        do throws(DiskTrouble) {
            try self.servers[position].disk.commit(state, isDurable: isDurable)
        } catch {
            // A modelled file that is full stops the queue; the real one is only nearly full, and the process ends.
            if error == .full { self.crash(id) } else { self.checker.report("files: \(id) cannot commit: \(error)") }
            return
        }
        for (entry, effect) in effects { self.release(entry, effect, at: position) }
        self.serveWaiting(position)
    }

    /// No command is carried out twice.
    mutating func noteEffect(_ effect: KeyValueState.Effect, of entry: LogEntry) {
        guard case .executed(let command, _) = effect else { return }
        let name = [command.client, command.sequence]
        if let known = self.executed[name], known != entry.index {
            let places = "at \(known) and \(entry.index)"
            self.checker.report("no command twice: \(command.sequence) of client \(command.client) \(places)")
        }
        self.executed[name] = entry.index
    }

    /// Answers who waits for an entry.
    private mutating func release(_ entry: LogEntry, _ effect: KeyValueState.Effect, at position: Int) {
        let leader = self.servers[position].node?.leader
        for (term, request) in self.servers[position].proposed.removeValue(forKey: entry.index) ?? [] {
            guard term == entry.term else {
                if self.options.defects.contains(.deposedLeaderAnswers) {
                    self.answer(request, .done(Self.hopefulOutput(of: request)))
                } else {
                    // Another entry took the place: this one is surely in no log that counts.
                    self.answer(request, .refused(leader: leader))
                }
                continue
            }
            switch effect {
            case .executed(_, let output), .repeated(let output): self.answer(request, .done(output))
            case .nothing, .outdated: break
            }
        }
    }

    private static func hopefulOutput(of request: ClientRequest) -> RegisterOutput<UInt64> {
        if case .compareAndSet = request.input { .compared(isEqual: true) } else { .written }
    }

    // MARK: Requests of clients

    mutating func receive(_ request: ClientRequest, at id: NodeID) {
        let position = self.position(id)
        guard let node = self.servers[position].node else { return }
        if request.input == .read {
            self.read(request, at: position)
            return
        }
        let command = KeyValueCommand(
            client: UInt64(request.client),
            sequence: request.sequence,
            key: request.key,
            input: request.input
        )
        if node.proposalRejection != nil {
            self.answer(request, .refused(leader: node.leader))
            return
        }
        var entry: EntryID?
        // The place is noted before anything else happens to the server.
        guard var proposing = self.servers[position].node.take() else { return }
        entry = try? proposing.propose(command.encoded)
        self.servers[position].node = proposing
        if let entry {
            self.servers[position].proposed[entry.index, default: []].append((entry.term, request))
            if self.options.defects.contains(.answersBeforeCommit) {
                self.answer(request, .done(Self.hopefulOutput(of: request)))
            }
        } else {
            self.answer(request, .refused(leader: node.leader))
        }
        self.settle(id)
    }

    private mutating func read(_ request: ClientRequest, at position: Int) {
        let id = self.servers[position].id
        if self.options.defects.contains(.staleReadAfterPause), self.servers[position].node?.role == .leader {
            self.serve(request, at: position)
            return
        }
        self.lastRead += 1
        let number = self.lastRead
        self.askedReads[number] = self.checker.highestCommit
        self.servers[position].reading[number] = request
        var isTaken = true
        self.with(id) { isTaken = (try? $0.readIndex(ReadRequestID(number))) != nil }
        if !isTaken { self.fail(ReadRequestID(number), at: position) }
    }

    private mutating func confirm(_ read: ReadState, at position: Int) {
        self.report.reads += 1
        let asked = self.askedReads.removeValue(forKey: read.request.rawValue) ?? .zero
        self.checker.served(read, askedAt: asked, by: self.servers[position].id)
        guard let request = self.servers[position].reading.removeValue(forKey: read.request.rawValue) else { return }
        let isEarly = self.options.defects.contains(.readsBeforeApplied)
        if isEarly || self.servers[position].disk.state.index >= read.index {
            self.serve(request, at: position)
        } else {
            self.servers[position].waiting.append((read.index, request))
        }
    }

    private mutating func fail(_ read: ReadRequestID, at position: Int) {
        self.askedReads[read.rawValue] = nil
        guard let request = self.servers[position].reading.removeValue(forKey: read.rawValue) else { return }
        self.answer(request, .refused(leader: self.servers[position].node?.leader))
    }

    private mutating func serve(_ request: ClientRequest, at position: Int) {
        self.answer(request, .done(.value(self.servers[position].disk.state.values[request.key])))
    }

    private mutating func serveWaiting(_ position: Int) {
        let applied = self.servers[position].disk.state.index
        let ready = self.servers[position].waiting.filter { $0.index <= applied }
        guard !ready.isEmpty else { return }
        self.servers[position].waiting.removeAll { $0.index <= applied }
        for (_, request) in ready { self.serve(request, at: position) }
    }
}
