import RaftCore

/// Runs the commands of one interaction file.
struct InteractionEnvironment {
    struct Failure: Error { var reason: String }

    var nodes: [InteractionNode] = []
    var messages: [Envelope] = []
    var output: [String] = []
    private var isQuiet = false
    private var indentation = ""

    /// Runs one command and returns what it printed.
    mutating func run(_ found: DataDrivenCase) throws -> [String] {
        self.output = []
        let wasQuiet = self.isQuiet
        if let level = found.value("log-level") { self.isQuiet = level == "none" }
        try self.perform(found)
        let output = self.isQuiet ? [] : self.output
        if found.value("log-level") != nil { self.isQuiet = wasQuiet }
        return output
    }

    private mutating func perform(_ found: DataDrivenCase) throws {
        switch found.command {
        case "log-level": self.isQuiet = found.arguments.first?.key == "none"
        case "add-nodes": try self.addNodes(found)
        case "campaign": try self.withNode(found) { $0.raft.campaign() }
        case "stabilize": try self.stabilize(found.nodes)
        case "process-ready": try self.forEach(found, "handling Ready") { try $0.processReady($1) }
        case "process-append-thread":
            try self.forEach(found, "processing append thread") { try $0.processAppendThread($1) }
        case "process-apply-thread":
            try self.forEach(found, "processing apply thread") { try $0.processApplyThread($1) }
        case "deliver-msgs": try self.deliver(found)
        case "tick-heartbeat": try self.withNode(found) { $0.raft.tick() }
        case "tick-election": try self.withNode(found) { for _ in 0..<3 { $0.raft.tick() } }
        case "forget-leader": try self.withNode(found) { $0.raft.forgetLeader() }
        case "set-randomized-election-timeout":
            let ticks = Int(found.value("timeout") ?? "") ?? 0
            try self.withNode(found) { $0.raft.setElectionTimeout(ticks: ticks) }
        default: try self.performOther(found)
        }
    }

    private mutating func performOther(_ found: DataDrivenCase) throws {
        switch found.command {
        case "propose":
            let payload = Array((found.arguments.last?.key ?? "").utf8)
            try self.propose(.normal, payload, on: found)
        case "propose-conf-change": try self.proposeChange(found)
        case "transfer-leadership":
            let (from, to) = (UInt64(found.value("from") ?? "") ?? 0, UInt64(found.value("to") ?? "") ?? 0)
            let position = try self.position(NodeID(from))
            self.nodes[position].raft.transferLeadership(to: NodeID(to))
        case "report-unreachable":
            let position = try self.position(NodeID(found.nodes[0]))
            self.nodes[position].raft.reportUnreachable(NodeID(found.nodes[1]))
        case "send-snapshot": try self.sendSnapshot(from: found.nodes[0], to: found.nodes[1])
        case "compact":
            let position = try self.position(NodeID(found.nodes[0]))
            self.nodes[position].storage.memory.compact(through: LogIndex(found.nodes[1]))
            try self.printLog(NodeID(found.nodes[0]))
        case "raft-log": try self.printLog(NodeID(found.nodes[0]))
        case "raft-state": self.printState()
        case "status":
            let status = self.nodes[try self.position(NodeID(found.nodes[0]))].raft.status
            for peer in status.peers { self.print("\(peer.id): " + Describe.progress(peer)) }
        default: throw Failure(reason: "Expected a known command, but got \(found.command)")
        }
    }

    // MARK: Printing

    private mutating func print(_ line: String) { self.output.append(self.indentation + line) }

    private mutating func print(_ lines: [String]) { for line in lines { self.print(line) } }

    private mutating func indented(_ body: (inout Self) throws -> Void) rethrows {
        let outer = self.indentation
        self.indentation += "  "
        try body(&self)
        self.indentation = outer
    }

    private mutating func printLog(_ node: NodeID) throws {
        let memory = self.nodes[try self.position(node)].storage.memory
        if memory.log.isEmpty {
            self.print("log is empty: first index=\(memory.firstIndex), last index=\(memory.lastIndex)")
        }
        self.print(memory.log.map(Describe.entry))
    }

    private mutating func printState() {
        for node in self.nodes {
            let raft = node.raft
            let membership = raft.members.isVoter(raft.id) ? "(Voter)" : "(Non-Voter)"
            let role = Describe.role(raft.role)
            self.print("\(raft.id): \(role) \(membership) Term:\(raft.term) Lead:\(Describe.number(raft.leader))")
        }
    }

    // MARK: Nodes

    private func position(_ node: NodeID) throws -> Int {
        guard let position = self.nodes.firstIndex(where: { $0.raft.id == node }) else {
            throw Failure(reason: "Expected a known node, but got \(node)")
        }
        return position
    }

    private mutating func withNode(_ found: DataDrivenCase, _ body: (inout InteractionNode) -> Void) throws {
        body(&self.nodes[try self.position(NodeID(found.nodes[0]))])
    }

    private mutating func forEach(
        _ found: DataDrivenCase,
        _ title: String,
        _ body: (inout Self, Int) throws -> Void
    ) throws {
        let positions = try found.nodes.map { try self.position(NodeID($0)) }
        for position in positions {
            if positions.count == 1 {
                try body(&self, position)
            } else {
                self.print("> \(self.nodes[position].raft.id) \(title)")
                try self.indented { try body(&$0, position) }
            }
        }
    }

    private mutating func addNodes(_ found: DataDrivenCase) throws {
        let ids = { (key: String) in (found.values(key) ?? []).compactMap(UInt64.init).map { NodeID($0) } }
        let index = LogIndex(UInt64(found.value("index") ?? "") ?? 0)
        let members = ClusterConfiguration(voters: ids("voters"), learners: ids("learners"))
        let term = index > .zero ? Term(1) : .zero
        let metadata = SnapshotMetadata(index: index, term: term, configuration: members)
        for _ in 0..<Int(found.nodes[0]) {
            var configuration = RaftConfiguration(id: NodeID(UInt64(self.nodes.count + 1)))
            configuration.electionTicks = 3
            configuration.applied = index
            configuration.forwardsProposals = true
            configuration.sharesCommitInVotes = false
            configuration.preVote = found.flag("prevote")
            configuration.checkQuorum = found.flag("checkquorum")
            configuration.stepDownOnRemoval = found.flag("step-down-on-removal")
            configuration.asynchronousStorageWrites = found.flag("async-storage-writes")
            configuration.validatesConfigurationChanges = !found.flag("disable-conf-change-validation")
            configuration.maxInflightMessages = Int(found.value("inflight") ?? "") ?? .max
            configuration.maxApplyingBytes = Int(found.value("max-committed-size-per-ready") ?? "") ?? .max
            configuration.maxMessageBytes = .max
            let memory = MemoryStorage(snapshot: Snapshot(metadata: metadata), hardState: HardState())
            let storage = HistoryStorage(memory)
            let raft = try RaftNode(configuration: configuration, storage: storage)
            self.nodes.append(InteractionNode(raft: raft, storage: storage))
        }
    }

    // MARK: Proposals

    /// Proposes as a message, so that followers forward and refused changes become empty entries.
    private mutating func propose(_ kind: EntryKind, _ payload: [UInt8], on found: DataDrivenCase) throws {
        let position = try self.position(NodeID(found.nodes[0]))
        let raft = self.nodes[position].raft
        let entry = LogEntry(term: .zero, index: .zero, kind: kind, payload: payload)
        let message = RaftMessage(
            group: raft.configuration.group,
            incarnation: raft.configuration.incarnation,
            from: raft.id,
            to: raft.id,
            term: .zero,
            body: .proposal([entry])
        )
        if self.nodes[position].raft.step(message) != .handled { self.print("raft proposal dropped") }
    }

    private mutating func proposeChange(_ found: DataDrivenCase) throws {
        let steps = try found.input.joined(separator: " ").split(separator: " ").map { try Describe.step($0) }
        let transition: ConfigurationChange.Transition =
            switch found.value("transition") {
            case "explicit": .jointExplicit
            case "implicit": .jointImplicit
            default: .automatic
            }
        let change = ConfigurationChange(steps, transition: transition)
        if found.flag("v1") {
            guard let payload = change.encodedAsSingleChange() else { throw Failure(reason: "not a single change") }
            try self.propose(.configurationChange, payload, on: found)
        } else {
            try self.propose(.configurationChangeV2, change.encoded(), on: found)
        }
    }

    private mutating func sendSnapshot(from: UInt64, to: UInt64) throws {
        let node = self.nodes[try self.position(NodeID(from))]
        let message = RaftMessage(
            group: node.raft.configuration.group,
            incarnation: node.raft.configuration.incarnation,
            from: node.raft.id,
            to: NodeID(to),
            term: node.raft.term,
            body: .snapshot(node.storage.snapshot())
        )
        self.messages.append(.message(message))
        self.print(Describe.message(message))
    }

    // MARK: Delivering

    private mutating func deliver(_ found: DataDrivenCase) throws {
        let type = found.value("type")
        for argument in found.arguments {
            if argument.key == "drop" {
                for node in argument.values.compactMap(UInt64.init) {
                    try self.deliver(to: NodeID(node), type: type, dropping: true)
                }
            } else if let node = UInt64(argument.key) {
                try self.deliver(to: NodeID(node), type: type, dropping: false)
            }
        }
    }

    private func isFor(_ envelope: Envelope, _ node: NodeID, type: String?, dropping: Bool) -> Bool {
        guard envelope.to == node, !(dropping && envelope.isLocal) else { return false }
        return type.map { envelope.isOfType($0) } ?? true
    }

    private mutating func deliver(to node: NodeID, type: String?, dropping: Bool) throws {
        let taken = self.messages.filter { self.isFor($0, node, type: type, dropping: dropping) }
        self.messages = self.messages.filter { !self.isFor($0, node, type: type, dropping: dropping) }
        for envelope in taken {
            let lines = envelope.lines
            self.print([(dropping ? "dropped: " : "") + lines[0]] + lines.dropFirst())
            if dropping { continue }
            let position = try self.position(node)
            switch envelope {
            case .message(let message):
                if self.nodes[position].raft.step(message) == .ignored(.unknownPeer) {
                    self.print("raft: cannot step as peer not found")
                }
            case .appended(let acknowledgement, _): self.nodes[position].raft.persisted(acknowledgement)
            case .applied(let work, _): self.nodes[position].raft.applied(work.acknowledgement)
            }
            try self.check(position)
        }
    }

    private mutating func stabilize(_ wanted: [UInt64]) throws {
        let positions =
            try wanted.isEmpty
            ? Array(self.nodes.indices) : wanted.map { try self.position(NodeID($0)) }
        var isDone = false
        while !isDone {
            isDone = true
            for position in positions where self.nodes[position].raft.hasReady {
                self.print("> \(self.nodes[position].raft.id) handling Ready")
                try self.indented { try $0.processReady(position) }
                isDone = false
            }
            for position in positions {
                let id = self.nodes[position].raft.id
                guard self.messages.contains(where: { $0.to == id }) else { continue }
                self.print("> \(id) receiving messages")
                try self.indented { try $0.deliver(to: id, type: nil, dropping: false) }
                isDone = false
            }
            for position in positions where !self.nodes[position].appendWork.isEmpty {
                self.print("> \(self.nodes[position].raft.id) processing append thread")
                try self.indented {
                    while !$0.nodes[position].appendWork.isEmpty { try $0.processAppendThread(position) }
                }
                isDone = false
            }
            for position in positions where !self.nodes[position].applyWork.isEmpty {
                self.print("> \(self.nodes[position].raft.id) processing apply thread")
                try self.indented {
                    while !$0.nodes[position].applyWork.isEmpty { try $0.processApplyThread(position) }
                }
                isDone = false
            }
        }
    }

    // MARK: Host work

    private mutating func processReady(_ position: Int) throws {
        let ready = self.nodes[position].raft.ready()
        self.print(Describe.ready(ready, from: self.nodes[position].raft.id))
        self.messages += (ready.messages + ready.messagesAfterPersist).map { .message($0) }
        if self.nodes[position].raft.configuration.asynchronousStorageWrites {
            if let work = ready.storageAppend { self.nodes[position].appendWork.append(work) }
            if let work = ready.storageApply { self.nodes[position].applyWork.append(work) }
        } else {
            self.persist(ready.hardState, ready.entries, ready.snapshot, at: position)
            try self.apply(ready.committedEntries, at: position)
            self.nodes[position].raft.advance()
        }
        try self.check(position)
    }

    private func persist(_ hardState: HardState?, _ entries: [LogEntry], _ snapshot: Snapshot?, at position: Int) {
        let storage = self.nodes[position].storage
        if let hardState { storage.memory.set(hardState) }
        if let snapshot {
            storage.memory.install(snapshot)
            storage.history.append(snapshot.metadata)
        }
        storage.memory.append(entries)
    }

    private mutating func apply(_ entries: [LogEntry], at position: Int) throws {
        for entry in entries {
            var metadata = self.nodes[position].storage.history.last ?? SnapshotMetadata()
            metadata.index = entry.index
            metadata.term = entry.term
            if entry.kind != .normal {
                metadata.configuration = try self.nodes[position].raft.applyConfigurationChange(entry)
            }
            self.nodes[position].storage.history.append(metadata)
        }
    }

    private mutating func processAppendThread(_ position: Int) throws {
        guard !self.nodes[position].appendWork.isEmpty else {
            self.print("no append work to perform")
            return
        }
        let work = self.nodes[position].appendWork.removeFirst()
        let id = self.nodes[position].raft.id
        self.print(["Processing:"] + Describe.append(work, from: id, withResponses: false))
        self.persist(work.hardState, work.entries, work.snapshot, at: position)
        var responses: [Envelope] = work.responses.map { .message($0) }
        if let acknowledgement = work.acknowledgement { responses.append(.appended(acknowledgement, id)) }
        self.print(["Responses:"] + responses.flatMap(\.lines))
        self.messages += responses
    }

    private mutating func processApplyThread(_ position: Int) throws {
        guard !self.nodes[position].applyWork.isEmpty else {
            self.print("no apply work to perform")
            return
        }
        let work = self.nodes[position].applyWork.removeFirst()
        let id = self.nodes[position].raft.id
        self.print(["Processing:"] + Describe.apply(work, from: id, withResponses: false))
        try self.apply(work.entries, at: position)
        self.print(["Responses:"] + Describe.applied(work.entries, to: id))
        self.messages.append(.applied(work, id))
    }

    private mutating func check(_ position: Int) throws {
        let violations = self.nodes[position].raft.checkInvariants()
        if !violations.isEmpty { throw Failure(reason: violations.joined(separator: "; ")) }
        if let fault = self.nodes[position].raft.fault { throw Failure(reason: "\(fault)") }
    }
}
