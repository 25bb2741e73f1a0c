import ClusterTransport
import Logging
import ProcessEngine
import RaftCore
import ReplicaCore
import Synchronization

/// The way of a command to the leader of its group, wherever that is, and back (architecture.md, section 3). What was
/// surely not executed is sent again; what may have been is sent again under the same id, whose first answer the leader
/// remembers.
enum CommandRouter {
    /// How often a command is sent whose fate is unknown each time.
    static let attemptLimit = 2
    /// How long a command waits for a quorum to come back.
    static let quorumPatience = Duration.seconds(2)
}

extension ThalwegNode {
    func newRequestID() -> RequestID {
        .made(requestPrefix + String(requestNumber.wrappingAdd(1, ordering: .relaxed).newValue))
    }

    func submit(
        _ request: RequestedCommand,
        group: UInt32,
        waits: Duration?,
        deadline: ContinuousClock.Instant
    ) async -> ReplicaAnswer {
        guard let runner = runners[group] else { return .refused(reason: "this node has no group \(group)") }
        let waitsEnd = waits.map { ContinuousClock.now + $0 }
        return await untilAnswered(runner, deadline) { leader in
            let rest = waitsEnd.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
            if leader == self.nodeID {
                let waitsUntil = rest.map { self.clock.now + ThalwegNode.milliseconds($0) }
                let submitted = SubmittedRequest(request: request, waitsUntil: waitsUntil)
                return await self.submitHere(submitted, runner, deadline)
            }
            let forwarded = ForwardedRequest.submit(
                group: group,
                request,
                waitsMilliseconds: rest.map { ThalwegNode.milliseconds($0) },
                timeoutMilliseconds: max(1, ThalwegNode.milliseconds(ContinuousClock.now.duration(to: deadline)))
            )
            return await self.forward(forwarded, to: leader, deadline)
        }
    }

    /// Asks the leader, whoever it is by then, until there is an answer or the time is over.
    func untilAnswered(
        _ runner: GroupRunner,
        _ deadline: ContinuousClock.Instant,
        _ ask: (NodeID) async -> ReplicaAnswer
    ) async -> ReplicaAnswer {
        var uncertainty: String?
        var lastReason: String?
        var attempts = 0
        let begin = ContinuousClock.now
        while !Task.isCancelled, ContinuousClock.now < deadline {
            if let conflict = link?.conflict.reason {
                return uncertainty.map { .unknown(reason: $0) } ?? .refused(reason: conflict)
            }
            let (trouble, isLeader, known) = runner.snapshot.withLock { ($0.trouble, $0.isLeader, $0.leader) }
            if let trouble, isLeader || link == nil {
                return uncertainty.map { .unknown(reason: $0) } ?? .refused(reason: trouble)
            }
            guard let leader = known else {
                if link == nil { return .refused(reason: "group \(runner.group) has no leader at this moment") }
                // An election takes a second or two; without a quorum there is nothing to wait for.
                let isHopeless = !hasQuorum(runner.snapshot.withLock { $0.membership.configuration })
                if isHopeless, begin.duration(to: .now) > CommandRouter.quorumPatience { break }
                await runner.leaderSignal.wait()
                continue
            }
            let answer = await ask(leader)
            switch answer {
            case .misdirected(let reason):
                if link == nil { return .refused(reason: reason) }
                lastReason = reason
                await runner.leaderSignal.wait()
            case .unknown(let reason):
                if link == nil { return answer }
                uncertainty = reason
                attempts += 1
                // A command that has taken two leaders with it must not have a third.
                if attempts == CommandRouter.attemptLimit { return .unknown(reason: reason) }
                // Not every caller's wait ends with the leadership: the time may simply be over.
                if ContinuousClock.now < deadline { await runner.leaderSignal.wait() }
            case .refused(let reason):
                return uncertainty.map { .unknown(reason: $0) } ?? .refused(reason: reason)
            default: return answer
            }
        }
        if let uncertainty { return .unknown(reason: uncertainty) }
        let detail = lastReason.map { " (\($0))" } ?? ""
        return .refused(reason: noQuorumReason(runner) + detail)
    }

    /// Gives a request to this node's own replica.
    func submitHere(
        _ submitted: SubmittedRequest,
        _ runner: GroupRunner,
        _ deadline: ContinuousClock.Instant
    ) async -> ReplicaAnswer {
        let request = submitted.request
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The replica ends long polls by itself; the deadline only catches what hangs.
                let isTaken = runner.waiters.add(request.id, deadline: deadline) { continuation.resume(returning: $0) }
                if isTaken {
                    runner.post(.submitted(submitted))
                    // The caller may have gone before it was entered: then nobody else will say so.
                    if Task.isCancelled { ThalwegNode.giveUp(request, at: runner) }
                } else {
                    continuation.resume(returning: ReplicaAnswer.refused(reason: "the server is stopping"))
                }
            }
        } onCancel: {
            ThalwegNode.giveUp(request, at: runner)
        }
    }

    /// Nobody waits any more. An activation then hands out nothing: what it still finds is offered again at once.
    static func giveUp(_ request: RequestedCommand, at runner: GroupRunner) {
        let isActivation = if case .activateJobs = request.command { true } else { false }
        runner.waiters.answer(
            request.id,
            isActivation ? .answered(.jobsActivated([])) : .unknown(reason: "the caller is gone")
        )
        runner.post(.abandoned(request.id))
    }

    /// Sends a request to another node and waits for what it says.
    func forward(
        _ request: ForwardedRequest,
        to node: NodeID,
        _ deadline: ContinuousClock.Instant
    ) async -> ReplicaAnswer {
        guard let link else { return .refused(reason: "this node is alone") }
        do {
            let timeout = ContinuousClock.now.duration(to: deadline) + .milliseconds(200)
            return try ForwardedAnswer.decode(try await link.request(request.encoded(), to: node, timeout: timeout))
        } catch let error as TransportError {
            if error.isSurelyNotExecuted { return .misdirected(reason: "node \(node): \(error)") }
            return .unknown(reason: "node \(node): \(error)")
        } catch {
            return .unknown(reason: "node \(node): \(error)")
        }
    }

    // MARK: Requests of other nodes

    /// Carries out what another node asks for.
    func handle(_ incoming: IncomingRequest) {
        let request: ForwardedRequest
        do {
            request = try ForwardedRequest(decoding: incoming.payload)
        } catch {
            logger.warning(
                "refused a request of another node",
                metadata: ["node": "\(incoming.peer)", "error": "\(error)"]
            )
            incoming.refuse()
            return
        }
        switch request {
        case .submit(let group, let command, let waits, let timeout):
            guard let runner = runners[group] else { return incoming.refuse() }
            take(command, waits: waits, timeout: timeout, from: incoming, runner)
        case .schedule(let group, let command):
            runners[group]?.post(.scheduled(command))
            incoming.reply(ForwardedAnswer.encode(.done))
        case .changeMembers(let group, let id, let change, let timeout):
            guard let runner = runners[group] else { return incoming.refuse() }
            let deadline = ContinuousClock.now + .milliseconds(min(timeout, 600_000))
            if runner.waiters.add(id, deadline: deadline, { incoming.reply(ForwardedAnswer.encode($0)) }) {
                runner.post(.changeMembers(id, change))
            } else {
                incoming.refuse()
            }
        case .transferLeadership(let group, let node):
            runners[group]?.post(.transferLeadership(to: node))
            incoming.reply(ForwardedAnswer.encode(.done))
        case .snapshotFailed(let group):
            runners[group]?.post(.snapshotReported(incoming.peer, succeeded: false))
            incoming.reply(ForwardedAnswer.encode(.done))
        case .crashes(let marks):
            incoming.reply(ForwardedRequest.crashes(blame.own).encoded())
            blame.note(marks, of: incoming.peer)
        case .snapshotWanted(let group, let index):
            incoming.reply(snapshotReply(group, atLeast: index).encoded())
        }
    }

    /// For a node whose state is to be made anew. Only the leader's state is right by definition.
    private func snapshotReply(_ group: UInt32, atLeast index: UInt64) -> SnapshotReply {
        guard let snapshots, let known = runners[group]?.snapshot.withLock({ $0 }), known.isLeader else {
            return .notLeader
        }
        // One that cannot be new enough is not begun.
        guard known.appliedIndex >= index, let snapshot = snapshots.snapshot(of: group, atLeast: LogIndex(index)) else {
            return .notYet
        }
        return .here(snapshot.data)
    }

    private func take(
        _ request: RequestedCommand,
        waits: Int64?,
        timeout: Int64,
        from incoming: IncomingRequest,
        _ runner: GroupRunner
    ) {
        let limit: Int64 = 24 * 60 * 60 * 1_000
        let deadline = ContinuousClock.now + .milliseconds(min(max(timeout, 1), limit))
        let isTaken = runner.waiters.add(request.id, deadline: deadline) { answer in
            incoming.reply(ForwardedAnswer.encode(answer))
        }
        guard isTaken else { return incoming.refuse() }
        let waitsUntil = waits.map { clock.now + min(max($0, 0), limit) }
        runner.post(.submitted(SubmittedRequest(request: request, waitsUntil: waitsUntil)))
        incoming.onCancel { ThalwegNode.giveUp(request, at: runner) }
    }
}
