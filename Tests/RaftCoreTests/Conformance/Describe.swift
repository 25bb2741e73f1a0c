import RaftCore

/// Writes values the way the conformance files print them.
enum Describe {
    struct UnknownWord: Error { var word: String }

    // MARK: Members

    /// Reads `v1` (voter), `l1` (learner), `r1` (remove) or `u1` (update).
    static func step(_ word: some StringProtocol) throws -> ConfigurationChange.Step {
        guard let number = UInt64(word.dropFirst()) else { throw UnknownWord(word: String(word)) }
        let node = NodeID(number)
        switch word.first {
        case "v": return .init(.addVoter, node)
        case "l": return .init(.addLearner, node)
        case "r": return .init(.remove, node)
        case "u": return .init(.update, node)
        default: throw UnknownWord(word: String(word))
        }
    }

    static func change(_ change: ConfigurationChange) -> String {
        change.steps.map { step in
            switch step.operation {
            case .addVoter: "v\(step.node)"
            case .addLearner: "l\(step.node)"
            case .remove: "r\(step.node)"
            case .update: "u\(step.node)"
            }
        }.joined(separator: " ")
    }

    static func list(_ nodes: [NodeID]) -> String { nodes.map(\.description).joined(separator: " ") }

    static func configuration(_ members: ClusterConfiguration) -> String {
        var text = "voters=(\(Self.list(members.voters)))"
        if members.isJoint { text += "&&(\(Self.list(members.votersOutgoing)))" }
        if !members.learners.isEmpty { text += " learners=(\(Self.list(members.learners)))" }
        if !members.learnersNext.isEmpty { text += " learners_next=(\(Self.list(members.learnersNext)))" }
        return text + (members.autoLeave ? " autoleave" : "")
    }

    static func error(_ error: ConfigurationChangeError) -> String {
        switch error {
        case .alreadyJoint: "config is already joint"
        case .notJoint: "can't leave a non-joint config"
        case .simpleChangeInJointConfiguration: "can't apply simple config change in joint config"
        case .zeroVoterConfiguration: "can't make a zero-voter config joint"
        case .moreThanOneVoterChanged: "more than one voter changed without entering joint config"
        case .removedAllVoters: "removed all voters"
        case .tooManyMembers, .malformed, .superseded: "\(error)"
        }
    }

    static func progress(_ peer: PeerStatus) -> String {
        let state =
            switch peer.state {
            case .probe: "StateProbe"
            case .replicate: "StateReplicate"
            case .snapshot: "StateSnapshot"
            }
        var text = "\(state) match=\(peer.match) next=\(peer.next)"
        if peer.isLearner { text += " learner" }
        if peer.isPaused { text += " paused" }
        if peer.pendingSnapshot > .zero { text += " pendingSnap=\(peer.pendingSnapshot)" }
        if !peer.isRecentlyActive { text += " inactive" }
        if peer.inflightCount > 0 { text += " inflight=\(peer.inflightCount)" + (peer.isInflightFull ? "[full]" : "") }
        return text
    }

    // MARK: State

    static func role(_ role: Role) -> String {
        switch role {
        case .follower: "StateFollower"
        case .preCandidate: "StatePreCandidate"
        case .candidate: "StateCandidate"
        case .leader: "StateLeader"
        }
    }

    static func number(_ node: NodeID?) -> String { node.map(\.description) ?? "0" }

    static func hardState(_ state: HardState) -> String {
        let vote = state.vote.map { " Vote:\($0)" } ?? ""
        return "Term:\(state.term)\(vote) Commit:\(state.commit)"
    }

    static func entry(_ entry: LogEntry) -> String {
        let place = "\(entry.term)/\(entry.index)"
        switch entry.kind {
        case .normal:
            let text = String(decoding: entry.payload, as: UTF8.self).replacing("\"", with: "\\\"")
            return "\(place) EntryNormal \"\(text)\""
        case .configurationChange, .configurationChangeV2:
            let name = entry.kind == .configurationChange ? "EntryConfChange" : "EntryConfChangeV2"
            let text = (try? ConfigurationChange(of: entry)).map(Self.change) ?? "malformed"
            return text.isEmpty ? "\(place) \(name)" : "\(place) \(name) \(text)"
        }
    }

    static func snapshot(_ metadata: SnapshotMetadata) -> String {
        let members = metadata.configuration
        return "Index:\(metadata.index) Term:\(metadata.term) ConfState:Voters:[\(Self.list(members.voters))]"
            + " VotersOutgoing:[\(Self.list(members.votersOutgoing))] Learners:[\(Self.list(members.learners))]"
            + " LearnersNext:[\(Self.list(members.learnersNext))] AutoLeave:\(members.autoLeave)"
    }

    static func ready(_ ready: Ready, from node: NodeID) -> [String] {
        var lines: [String] = []
        if let soft = ready.softState { lines.append("Lead:\(Self.number(soft.leader)) State:\(Self.role(soft.role))") }
        if let hard = ready.hardState { lines.append("HardState " + Self.hardState(hard)) }
        if !ready.entries.isEmpty { lines += ["Entries:"] + ready.entries.map(Self.entry) }
        if let snapshot = ready.snapshot { lines.append("Snapshot " + Self.snapshot(snapshot.metadata)) }
        if !ready.committedEntries.isEmpty { lines += ["CommittedEntries:"] + ready.committedEntries.map(Self.entry) }
        var messages = (ready.messages + ready.messagesAfterPersist).flatMap(Self.message)
        if let work = ready.storageAppend { messages += Self.append(work, from: node, withResponses: true) }
        if let work = ready.storageApply { messages += Self.apply(work, from: node, withResponses: true) }
        if !messages.isEmpty { lines += ["Messages:"] + messages }
        return lines.isEmpty ? ["<empty Ready>"] : ["Ready MustSync=\(ready.mustSync):"] + lines
    }

    // MARK: Messages

    private static func entries(_ entries: [LogEntry]) -> [String] {
        switch entries.count {
        case 0: [""]
        case 1: [" Entries:[\(Self.entry(entries[0]))]"]
        default: [" Entries:["] + entries.map { "  " + Self.entry($0) } + ["]"]
        }
    }

    static func message(_ message: RaftMessage) -> [String] {
        let start = "\(message.from)->\(message.to) "
        let term = "Term:\(message.term)"
        func line(_ name: String, _ log: String = "0/0", _ rest: String = "") -> [String] {
            ["\(start)\(name) \(term) Log:\(log)\(rest)"]
        }
        switch message.body {
        case .proposal(let entries):
            let rest = Self.entries(entries)
            return line("MsgProp", "0/0", rest[0]) + rest.dropFirst()
        case .appendRequest(let request):
            let rest = Self.entries(request.entries)
            return line("MsgApp", "\(request.previous)", Self.commit(request.commit) + rest[0]) + rest.dropFirst()
        case .appendResponse(let response):
            guard let hint = response.rejectionHint else { return line("MsgAppResp", "0/\(response.index)") }
            return line("MsgAppResp", "\(hint.term)/\(response.index)", " Rejected (Hint: \(hint.index))")
        case .voteRequest(let request):
            return line(request.phase == .preVote ? "MsgPreVote" : "MsgVote", "\(request.lastEntry)")
        case .voteResponse(let response):
            let name = response.phase == .preVote ? "MsgPreVoteResp" : "MsgVoteResp"
            return line(name, "0/0", response.isGranted ? "" : " Rejected (Hint: 0)")
        case .heartbeat(let heartbeat): return line("MsgHeartbeat", "0/0", Self.commit(heartbeat.commit))
        case .heartbeatResponse: return line("MsgHeartbeatResp")
        case .snapshot(let snapshot): return line("MsgSnap") + ["  Snapshot: " + Self.snapshot(snapshot.metadata)]
        case .timeoutNow: return line("MsgTimeoutNow")
        case .transferRequest: return line("MsgTransferLeader")
        case .readIndexRequest: return line("MsgReadIndex")
        case .readIndexResponse(_, let index): return line("MsgReadIndexResp", "0/\(index ?? .zero)")
        }
    }

    private static func commit(_ index: LogIndex) -> String { index > .zero ? " Commit:\(index)" : "" }

    private static func responses(_ lines: [String]) -> [String] {
        lines.isEmpty ? [""] : [" Responses:["] + lines.map { "  " + $0 } + ["]"]
    }

    /// Puts the parts of one message behind each other, the first line of each on the last line of the one before.
    private static func join(_ parts: [[String]]) -> [String] {
        parts.dropFirst().reduce(parts[0]) { lines, part in
            lines.dropLast() + [(lines.last ?? "") + (part.first ?? "")] + part.dropFirst()
        }
    }

    static func append(_ work: StorageAppend, from node: NodeID, withResponses: Bool) -> [String] {
        let hard = work.hardState
        var head = "\(node)->AppendThread MsgStorageAppend Term:\(hard?.term ?? .zero) Log:0/0"
        if let hard { head += Self.commit(hard.commit) + (hard.vote.map { " Vote:\($0)" } ?? "") }
        var responses = withResponses ? work.responses.flatMap(Self.message) : []
        if withResponses, let acknowledgement = work.acknowledgement {
            responses.append(Self.acknowledgement(acknowledgement, to: node))
        }
        return Self.join([[head], Self.entries(work.entries), Self.responses(responses)])
    }

    static func apply(_ work: StorageApply, from node: NodeID, withResponses: Bool) -> [String] {
        let head = "\(node)->ApplyThread MsgStorageApply Term:0 Log:0/0"
        let responses = withResponses ? Self.applied(work.entries, to: node) : []
        return Self.join([[head], Self.entries(work.entries), Self.responses(responses)])
    }

    static func acknowledgement(_ acknowledgement: AppendAcknowledgement, to node: NodeID) -> String {
        let last = acknowledgement.lastEntry ?? EntryID()
        return "AppendThread->\(node) MsgStorageAppendResp Term:\(acknowledgement.term) Log:\(last)"
    }

    static func applied(_ entries: [LogEntry], to node: NodeID) -> [String] {
        Self.join([["ApplyThread->\(node) MsgStorageApplyResp Term:0 Log:0/0"], Self.entries(entries)])
    }
}
