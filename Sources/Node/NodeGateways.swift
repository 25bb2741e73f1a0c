package import Gateway
import NIOPosix
package import ProcessEngine
import ReplicaCore
import SQLite
import StateStore
import Synchronization

extension ThalwegNode: CommandGateway {
    package func submit(_ command: Command, options: RequestOptions) async -> CommandOutcome {
        let group: UInt32
        if case .deploy = command { group = EngineGroups.cluster } else { group = EngineGroups.instances }
        guard let runner = runners[group] else { return .unavailable(reason: "this node has no group \(group)") }
        if let trouble = runner.snapshot.withLock({ $0.trouble }) { return .unavailable(reason: trouble) }
        let number = requestNumber.wrappingAdd(1, ordering: .relaxed).newValue
        let request = RequestedCommand(
            id: RequestID(requestPrefix + String(number)),
            idempotencyKey: options.idempotencyKey.map { RequestID($0) },
            command: command
        )
        let waitsUntil = options.longPolling.map { clock.now + ThalwegNode.milliseconds($0) }
        let submitted = SubmittedRequest(request: request, waitsUntil: waitsUntil)
        // The replica ends long polls by itself; the deadline only catches what hangs.
        let deadline = ContinuousClock.now + options.timeout + (options.longPolling ?? .zero)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if runner.waiters.add(request.id, continuation, deadline: deadline) {
                    runner.post(.submitted(submitted))
                    // The caller may have gone before it was entered: then nobody else will say so.
                    if Task.isCancelled { giveUp(request, at: runner) }
                } else {
                    continuation.resume(returning: ReplicaAnswer.refused(reason: "the server is stopping"))
                }
            }
        } onCancel: {
            giveUp(request, at: runner)
        }
        return outcome(answer)
    }

    /// Nobody waits any more. An activation then hands out nothing: what it still finds is offered again at once.
    private func giveUp(_ request: RequestedCommand, at runner: GroupRunner) {
        let isActivation = if case .activateJobs = request.command { true } else { false }
        runner.waiters.answer(
            request.id,
            isActivation ? .answered(.jobsActivated([])) : .unknown(reason: "the caller is gone")
        )
        runner.post(.abandoned(request.id))
    }

    private func outcome(_ answer: ReplicaAnswer) -> CommandOutcome {
        switch answer {
        case .answered(let answer): .answered(answer)
        case .refused(let reason): .unavailable(reason: reason)
        case .unknown(let reason): .deadlineExceeded(reason: reason)
        case .failed(let reason): .failed(reason: reason)
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
        try await query { try $0.search(request) }
    }

    package func row(_ view: ViewKind, key: Key, consistency: ReadConsistency) async throws -> ViewRow? {
        try await query { try $0.row(view, key: key) }
    }

    package func definitionXML(_ key: Key, consistency: ReadConsistency) async throws -> [UInt8]? {
        try await query { try $0.definitionXML(key) }
    }

    /// Queries block, so they run on threads of their own.
    private func query<Value: Sendable>(_ body: @escaping @Sendable (ReaderPool) throws -> Value) async throws -> Value
    {
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
                    return GroupStatus(
                        group: group,
                        isLeader: snapshot.isLeader,
                        isHealthy: snapshot.isReady && snapshot.trouble == nil,
                        term: snapshot.term,
                        commitIndex: snapshot.commitIndex,
                        appliedIndex: snapshot.appliedIndex
                    )
                }
            }
        )
    }

    package func notReadyReason() async -> String? {
        for group in runners.keys.sorted() {
            guard let snapshot = runners[group]?.snapshot.withLock({ $0 }) else { continue }
            if let trouble = snapshot.trouble { return trouble }
            if !snapshot.isReady { return "group \(group) has no leader that may execute commands" }
        }
        return nil
    }

    package func metricsText() async -> String {
        NodeMetrics.text(
            groups: runners.keys.sorted().compactMap { group in
                runners[group].map { (group, $0.snapshot.withLock { $0 }) }
            },
            space: folder.space()
        )
    }
}
