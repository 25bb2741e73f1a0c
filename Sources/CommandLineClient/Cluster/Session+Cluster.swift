import JSON
import Synchronization

/// What several commands do with a cluster.
extension Session {
    /// A learner that lacks no more decisions than this takes part without holding the others up.
    private static let lagLimit = 1_000
    private static let pollInterval: Duration = .milliseconds(500)

    func clusterView() async throws -> ClusterView {
        let address = connection.address.base
        return try await withProgress({ "asking \(address)" }) {
            let status = try await connection.send(.clusterStatus)
            let members = try await connection.send(.clusterMembers)
            return ClusterView(address: address, status: status, members: members)
        }
    }

    func confirm(_ node: NodeArgument, _ result: String, _ text: String) throws(ClientFailure) {
        var fields = JSONFields()
        fields["nodeId"] = .integer(node.number)
        fields["result"] = .string(result)
        try show(fields.value) { [TerminalText.sanitized(text)] }
    }

    /// Gives a learner its vote when it has caught up. `timeout` nil: fails if it has not.
    func promote(_ node: NodeArgument, within timeout: Duration?) async throws {
        let state = Mutex("waiting for node \(node)")
        let deadline = timeout.map { ContinuousClock.now + $0 }
        try await withProgress({ state.withLock { $0 } }) {
            while let obstacle = try await promotionObstacle(node) {
                guard let deadline else { throw ClientFailure.refused(obstacle) }
                guard ContinuousClock.now < deadline else {
                    let duration = DurationArgument(milliseconds: Int64(timeout?.wholeMilliseconds ?? 0))
                    throw ClientFailure.refused("\(obstacle) (waited \(duration)); repeat the command to wait on")
                }
                state.withLock { $0 = obstacle }
                try await Task.sleep(for: Self.pollInterval)
            }
        }
        try confirm(node, "promoted", "node \(node) is a voter")
    }

    /// Promotes the node, or says what it has to wait for.
    private func promotionObstacle(_ node: NodeArgument) async throws -> String? {
        let members: [ClusterView.Member]
        do {
            members = ClusterView.members(try await connection.send(.clusterMembers))
        } catch let failure as ClientFailure where failure.code == .unavailable {
            return failure.message
        }
        guard let member = members.first(where: { $0.node == node.number }) else {
            throw ClientFailure.refused(
                "node \(node) is no member; add it first, with \"thalweg cluster join\" on that node"
            )
        }
        if member.role == "voter" { return nil }
        if !member.isConnected {
            return "node \(node) is not connected; is it running, and can \(member.address) be reached?"
        }
        if let lag = member.largestLag, lag > Self.lagLimit {
            return "node \(node) is \(TerminalText.grouped(lag)) decisions behind"
        }
        let request = APIRequest.promoteMember(node)
        let response = try await connection.exchange(request)
        switch ResponseJudgement(response, to: request) {
        case .success: return nil
        case .retry(let failure): return failure.message
        case .failure(let failure):
            let problem = Problem(response)
            guard problem.status == 409, problem.title == "NOT_CAUGHT_UP" else { throw failure }
            return problem.detail.isEmpty ? "node \(node) has not caught up" : problem.detail
        }
    }
}
