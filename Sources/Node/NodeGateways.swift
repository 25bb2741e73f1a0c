package import Gateway
import NIOPosix
package import ProcessEngine
import RaftCore
import ReplicaCore
import SQLite
import StateStore
import Synchronization

extension ThalwegNode: CommandGateway {
    package func submit(_ command: Command, options: RequestOptions) async -> CommandOutcome {
        let group: UInt32
        if case .deploy = command { group = EngineGroups.cluster } else { group = EngineGroups.instances }
        let id = newRequestID()
        // Among several nodes a request may have to be sent again: its own id then stands for it.
        let key = options.idempotencyKey.map { RequestID($0) } ?? (link == nil ? nil : id)
        let request = RequestedCommand(id: id, idempotencyKey: key, command: command)
        let answer = await submit(
            request,
            group: group,
            waits: options.longPolling,
            deadline: ContinuousClock.now + options.timeout + (options.longPolling ?? .zero)
        )
        return ThalwegNode.outcome(answer)
    }

    private static func outcome(_ answer: ReplicaAnswer) -> CommandOutcome {
        switch answer {
        case .answered(let answer): .answered(answer)
        case .refused(let reason), .misdirected(let reason): .unavailable(reason: reason)
        case .unknown(let reason): .deadlineExceeded(reason: reason)
        case .failed(let reason), .impossible(let reason), .tooEarly(let reason): .failed(reason: reason)
        case .done: .answered(.done)
        }
    }

    static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (product, isOverflow) = seconds.multipliedReportingOverflow(by: 1_000)
        return isOverflow ? Int64.max / 4 : product + attoseconds / 1_000_000_000_000_000
    }
}

extension ThalwegNode: QueryGateway {
    package func search(_ request: SearchRequest, consistency: ReadConsistency) async throws -> SearchPage {
        try await query(consistency) { try $0.search(request) }
    }

    package func row(_ view: ViewKind, key: Key, consistency: ReadConsistency) async throws -> ViewRow? {
        try await query(consistency) { try $0.row(view, key: key) }
    }

    package func definitionXML(_ key: Key, consistency: ReadConsistency) async throws -> [UInt8]? {
        try await query(consistency) { try $0.definitionXML(key) }
    }

    /// How long a query waits to be sure that it shows everything.
    private static let readPatience: Int64 = 5_000

    /// Queries block, so they run on threads of their own.
    private func query<Value: Sendable>(
        _ consistency: ReadConsistency,
        _ body: @escaping @Sendable (ReaderPool) throws -> Value
    ) async throws -> Value {
        if let conflict = link?.conflict.reason { throw QueryError(.unavailable, conflict) }
        // A node that is alone waits, too: its database shows what was answered only after the next save.
        if consistency == .linearizable { try await passReadBarrier() }
        let readers = readers
        do {
            return try await queryThreads.runIfActive { try body(readers) }
        } catch let error as SearchError {
            throw error.asQueryError
        } catch let error as SQLiteError {
            throw QueryError(.failed, error.description)
        } catch is CancellationError {
            throw QueryError(.unavailable, "the server is stopping")
        }
    }
}

extension ThalwegNode {
    /// Instances are read from their group's state alone, definitions included, which that group receives.
    private func passReadBarrier() async throws {
        guard let runner = runners[EngineGroups.instances] else { return }
        guard await runner.passReadBarrier(deadline: clock.now + ThalwegNode.readPatience) else {
            throw QueryError(
                .unavailable,
                "\(unconfirmedReason(runner)); add ?consistency=stale to read what this node has"
            )
        }
    }

    /// Why a read could not be confirmed in time: with a quorum and a leader, this node is too far behind.
    private func unconfirmedReason(_ runner: GroupRunner) -> String {
        let (leader, members) = runner.snapshot.withLock { ($0.leader, $0.membership.configuration) }
        guard leader != nil, hasQuorum(members) else { return noQuorumReason(runner) }
        let lag = runner.lag
        guard let reason = lag.reason(node: nodeID.rawValue, group: runner.group) else {
            return "group \(runner.group) did not confirm the read in time"
        }
        return "\(reason); ask \(lag.leader.map { "node \($0)" } ?? "another node")"
    }

    private func isReachable(_ node: NodeID) -> Bool { node == nodeID || link?.isConnected(node) == true }

    /// Whether this node can reach a majority of the voters, of both halves while they change.
    func hasQuorum(_ members: ClusterConfiguration) -> Bool {
        [members.voters, members.votersOutgoing].allSatisfy { voters in
            voters.isEmpty || voters.filter { isReachable($0) }.count * 2 > voters.count
        }
    }

    func noQuorumReason(_ runner: GroupRunner) -> String {
        let snapshot = runner.snapshot.withLock { $0 }
        let voters = snapshot.membership.configuration.allVoters
        guard !voters.isEmpty else { return "this node has not received the state of group \(runner.group) yet" }
        let reachable = voters.filter { isReachable($0) }
        if !hasQuorum(snapshot.membership.configuration) {
            return "there is no quorum: \(reachable.count) of \(voters.count) voters can be reached from node \(nodeID)"
        }
        return "group \(runner.group) has no leader at this moment"
    }
}

extension ThalwegNode: StatusGateway {
    package func clusterStatus() async -> ClusterStatus {
        ClusterStatus(
            clusterID: folder.identity.clusterID,
            nodeID: folder.identity.nodeID,
            host: configuration.host,
            port: port.load(ordering: .relaxed),
            version: configuration.version,
            groups: runners.keys.sorted().compactMap { group in
                runners[group].map { runner in
                    let snapshot = runner.snapshot.withLock { $0 }
                    var status = GroupStatus(
                        group: group,
                        isLeader: snapshot.isLeader,
                        isHealthy: ThalwegNode.canServe(snapshot) && snapshot.trouble == nil,
                        term: snapshot.term,
                        commitIndex: snapshot.commitIndex,
                        appliedIndex: snapshot.appliedIndex
                    )
                    status.leader = snapshot.leader?.rawValue
                    status.role = roleName(snapshot)
                    status.digest = snapshot.digest.text
                    let lag = runner.lag
                    status.behind = lag.entries
                    status.leaderSilenceMilliseconds = lag.silence
                    return status
                }
            }
        )
    }

    package func notReadyReason() async -> String? {
        if let conflict = link?.conflict.reason { return conflict }
        for group in runners.keys.sorted() {
            guard let snapshot = runners[group]?.snapshot.withLock({ $0 }) else { continue }
            if let trouble = snapshot.trouble { return trouble }
            if !ThalwegNode.canServe(snapshot) { return "group \(group) has no leader that may execute commands" }
        }
        return nil
    }

    package func lagReason() async -> String? {
        guard link != nil else { return nil }
        for group in runners.keys.sorted() {
            guard let lag = runners[group]?.lag else { continue }
            if lag.entries > ReplicaLag.entryLimit { return lag.reason(node: nodeID.rawValue, group: group) }
            if let silence = lag.silence, silence > ReplicaLag.silenceLimit {
                return "node \(nodeID) has not heard of a leader of group \(group) for \(silence) ms"
            }
        }
        return nil
    }

    /// Whether commands that come here are carried out: by this node, or by the leader it knows.
    private static func canServe(_ snapshot: GroupRunner.Snapshot) -> Bool {
        snapshot.isLeader ? snapshot.isReady : snapshot.leader != nil
    }

    private func roleName(_ snapshot: GroupRunner.Snapshot) -> String {
        let members = snapshot.membership.configuration
        if snapshot.isLeader { return "leader" }
        if members.learners.contains(nodeID) { return "learner" }
        guard members.allVoters.contains(nodeID) else { return "none" }
        return snapshot.role == .follower ? "follower" : "candidate"
    }

    package func metricsText() async -> String {
        NodeMetrics.text(
            groups: runners.keys.sorted().compactMap { group in
                runners[group].map { (group, $0.snapshot.withLock { $0 }) }
            },
            lags: runners.keys.sorted().compactMap { group in runners[group].map { (group, $0.lag) } },
            space: folder.space()
        )
    }
}
