import RaftCore

/// Why a well-formed frame is no message this release knows. The connection is kept: a newer peer may send more kinds.
struct UnknownMessage: Error, Hashable, Sendable {
    var text: String
}

extension RaftMessage {
    /// Reads the message. The attachments become its payloads.
    init(_ wire: WireRaft, attachments: [[UInt8]]) throws(UnknownMessage) {
        var payloads = Payloads(attachments)
        let body = try Self.body(wire, payloads: &payloads)
        guard payloads.isEmpty else {
            throw UnknownMessage(text: "Expected a payload for each entry, but got \(payloads.count) too many")
        }
        self.init(
            group: GroupID(wire.group),
            incarnation: IncarnationID(wire.incarnation),
            from: NodeID(wire.from),
            to: NodeID(wire.to),
            term: Term(wire.term),
            body: body
        )
    }

    /// The attachments of a frame, taken in order.
    private struct Payloads {
        private let all: [[UInt8]]
        private var taken = 0

        init(_ all: [[UInt8]]) { self.all = all }

        var isEmpty: Bool { self.taken == self.all.count }
        var count: Int { self.all.count - self.taken }

        mutating func next() throws(UnknownMessage) -> [UInt8] {
            guard self.taken < self.all.count else {
                throw UnknownMessage(text: "Expected a payload for each entry, but got \(self.taken)")
            }
            self.taken += 1
            return self.all[self.taken - 1]
        }
    }

    private static func body(_ wire: WireRaft, payloads: inout Payloads) throws(UnknownMessage) -> Body {
        guard let body = wire.body else {
            throw UnknownMessage(text: "Expected a known kind of message, but got another; upgrade this node")
        }
        switch body {
        case .proposal(let proposal):
            return .proposal(try self.entries(proposal.entries, payloads: &payloads))
        case .appendRequest(let request):
            return .appendRequest(
                AppendRequest(
                    previous: EntryID(request.previous),
                    commit: LogIndex(request.commit),
                    entries: try self.entries(request.entries, payloads: &payloads)
                )
            )
        case .appendResponse(let response):
            let hint = response.hasRejectionHint ? EntryID(response.rejectionHint) : nil
            return .appendResponse(AppendResponse(index: LogIndex(response.index), rejectionHint: hint))
        case .voteRequest(let request):
            return .voteRequest(try VoteRequest(request))
        case .voteResponse(let response):
            return .voteResponse(try VoteResponse(response))
        case .heartbeat(let beat):
            return .heartbeat(
                Heartbeat(
                    commit: LogIndex(beat.commit),
                    acknowledged: LogIndex(beat.acknowledged),
                    readID: beat.readID
                )
            )
        case .heartbeatResponse(let response):
            let lost = response.hasLostAcknowledged ? LogIndex(response.lostAcknowledged) : nil
            return .heartbeatResponse(HeartbeatResponse(readID: response.readID, lostAcknowledged: lost))
        case .snapshot(let snapshot):
            return .snapshot(Snapshot(metadata: SnapshotMetadata(snapshot), data: try payloads.next()))
        case .timeoutNow:
            return .timeoutNow
        case .transferRequest(let transfer):
            return .transferRequest(to: NodeID(transfer.to))
        case .readIndexRequest(let request):
            return .readIndexRequest(ReadRequestID(request.readID))
        case .readIndexResponse(let response):
            let index = response.hasIndex ? LogIndex(response.index) : nil
            return .readIndexResponse(ReadRequestID(response.readID), index: index)
        }
    }

    private static func entries(
        _ entries: [WireEntry],
        payloads: inout Payloads
    ) throws(UnknownMessage) -> [LogEntry] {
        guard entries.count <= payloads.count else {
            throw UnknownMessage(text: "Expected \(entries.count) payloads, but got \(payloads.count)")
        }
        var result: [LogEntry] = []
        result.reserveCapacity(entries.count)
        for entry in entries {
            result.append(
                LogEntry(
                    term: Term(entry.term),
                    index: LogIndex(entry.index),
                    kind: try EntryKind(entry.kind),
                    payload: try payloads.next()
                )
            )
        }
        return result
    }
}

extension EntryKind {
    fileprivate init(_ kind: WireEntryKind) throws(UnknownMessage) {
        switch kind {
        case .normal: self = .normal
        case .configurationChange: self = .configurationChange
        case .configurationChangeV2: self = .configurationChangeV2
        case .UNRECOGNIZED(let number):
            throw UnknownMessage(text: "Expected a kind of entry from 0 to 2, but got \(number); upgrade this node")
        }
    }
}

extension ElectionPhase {
    fileprivate init(_ phase: WireElectionPhase) throws(UnknownMessage) {
        switch phase {
        case .preVote: self = .preVote
        case .vote: self = .vote
        case .UNRECOGNIZED(let number):
            throw UnknownMessage(text: "Expected an election phase 0 or 1, but got \(number); upgrade this node")
        }
    }
}

extension EntryID {
    fileprivate init(_ id: WireEntryID) {
        self.init(term: Term(id.term), index: LogIndex(id.index))
    }
}

extension VoteRequest {
    fileprivate init(_ request: WireVoteRequest) throws(UnknownMessage) {
        self.init(
            phase: try ElectionPhase(request.phase),
            lastEntry: EntryID(request.lastEntry),
            isTransfer: request.isTransfer,
            committed: EntryID(request.committed)
        )
    }
}

extension VoteResponse {
    fileprivate init(_ response: WireVoteResponse) throws(UnknownMessage) {
        self.init(
            phase: try ElectionPhase(response.phase),
            isGranted: response.isGranted,
            lastEntry: EntryID(response.lastEntry),
            committed: EntryID(response.committed)
        )
    }
}

extension SnapshotMetadata {
    fileprivate init(_ snapshot: WireSnapshot) {
        self.init(
            index: LogIndex(snapshot.index),
            term: Term(snapshot.term),
            configuration: ClusterConfiguration(
                voters: snapshot.voters.map { NodeID($0) },
                learners: snapshot.learners.map { NodeID($0) },
                votersOutgoing: snapshot.votersOutgoing.map { NodeID($0) },
                learnersNext: snapshot.learnersNext.map { NodeID($0) },
                autoLeave: snapshot.autoLeave
            )
        )
    }
}
