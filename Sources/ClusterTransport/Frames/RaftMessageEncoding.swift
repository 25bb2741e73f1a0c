import RaftCore

extension OutgoingFrame {
    /// The message as a frame. Payloads are attached, not copied.
    ///
    /// - Throws: `invalid` when it is longer than the limit.
    init(_ message: RaftMessage, limit: Int) throws(TransportError) {
        var raft = WireRaft()
        raft.group = message.group.rawValue
        raft.incarnation = message.incarnation.rawValue
        raft.from = message.from.rawValue
        raft.to = message.to.rawValue
        raft.term = message.term.rawValue
        var attachments: [[UInt8]] = []
        raft.body = Self.body(of: message, attachments: &attachments)
        try self.init(.raft(raft), attachments: attachments)
        guard self.byteCount - Self.prefixBytes <= limit else {
            throw TransportError(.invalid, "Expected a message of up to \(limit) bytes, but got \(self.byteCount)")
        }
    }

    private static func body(of message: RaftMessage, attachments: inout [[UInt8]]) -> WireRaft.OneOf_Body {
        switch message.body {
        case .proposal(let entries):
            var proposal = WireProposal()
            proposal.entries = self.entries(entries, attachments: &attachments)
            return .proposal(proposal)
        case .appendRequest(let request):
            var append = WireAppendRequest()
            append.previous = WireEntryID(request.previous)
            append.commit = request.commit.rawValue
            append.entries = self.entries(request.entries, attachments: &attachments)
            return .appendRequest(append)
        case .appendResponse(let response):
            var answer = WireAppendResponse()
            answer.index = response.index.rawValue
            if let hint = response.rejectionHint { answer.rejectionHint = WireEntryID(hint) }
            return .appendResponse(answer)
        case .voteRequest(let request):
            return .voteRequest(WireVoteRequest(request))
        case .voteResponse(let response):
            return .voteResponse(WireVoteResponse(response))
        case .heartbeat(let beat):
            var heartbeat = WireHeartbeat()
            heartbeat.commit = beat.commit.rawValue
            heartbeat.acknowledged = beat.acknowledged.rawValue
            heartbeat.readID = beat.readID
            return .heartbeat(heartbeat)
        case .heartbeatResponse(let response):
            var answer = WireHeartbeatResponse()
            answer.readID = response.readID
            if let lost = response.lostAcknowledged { answer.lostAcknowledged = lost.rawValue }
            return .heartbeatResponse(answer)
        case .snapshot(let snapshot):
            attachments.append(snapshot.data)
            return .snapshot(WireSnapshot(snapshot.metadata))
        case .timeoutNow:
            return .timeoutNow(WireTimeoutNow())
        case .transferRequest(let node):
            var transfer = WireTransferRequest()
            transfer.to = node.rawValue
            return .transferRequest(transfer)
        case .readIndexRequest(let read):
            var request = WireReadIndexRequest()
            request.readID = read.rawValue
            return .readIndexRequest(request)
        case .readIndexResponse(let read, let index):
            var response = WireReadIndexResponse()
            response.readID = read.rawValue
            if let index { response.index = index.rawValue }
            return .readIndexResponse(response)
        }
    }

    private static func entries(_ entries: [LogEntry], attachments: inout [[UInt8]]) -> [WireEntry] {
        attachments.reserveCapacity(entries.count)
        return entries.map { entry in
            attachments.append(entry.payload)
            var wire = WireEntry()
            wire.term = entry.term.rawValue
            wire.index = entry.index.rawValue
            switch entry.kind {
            case .normal: wire.kind = .normal
            case .configurationChange: wire.kind = .configurationChange
            case .configurationChangeV2: wire.kind = .configurationChangeV2
            }
            return wire
        }
    }
}

extension WireEntryID {
    fileprivate init(_ id: EntryID) {
        self.init()
        self.term = id.term.rawValue
        self.index = id.index.rawValue
    }
}

extension WireElectionPhase {
    fileprivate init(_ phase: ElectionPhase) {
        switch phase {
        case .preVote: self = .preVote
        case .vote: self = .vote
        }
    }
}

extension WireVoteRequest {
    fileprivate init(_ request: VoteRequest) {
        self.init()
        self.phase = WireElectionPhase(request.phase)
        self.lastEntry = WireEntryID(request.lastEntry)
        self.isTransfer = request.isTransfer
        self.committed = WireEntryID(request.committed)
    }
}

extension WireVoteResponse {
    fileprivate init(_ response: VoteResponse) {
        self.init()
        self.phase = WireElectionPhase(response.phase)
        self.isGranted = response.isGranted
        self.lastEntry = WireEntryID(response.lastEntry)
        self.committed = WireEntryID(response.committed)
    }
}

extension WireSnapshot {
    fileprivate init(_ metadata: SnapshotMetadata) {
        self.init()
        self.index = metadata.index.rawValue
        self.term = metadata.term.rawValue
        self.voters = metadata.configuration.voters.map(\.rawValue)
        self.learners = metadata.configuration.learners.map(\.rawValue)
        self.votersOutgoing = metadata.configuration.votersOutgoing.map(\.rawValue)
        self.learnersNext = metadata.configuration.learnersNext.map(\.rawValue)
        self.autoLeave = metadata.configuration.autoLeave
    }
}
