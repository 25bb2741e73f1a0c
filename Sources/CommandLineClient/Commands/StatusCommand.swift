import ArgumentParser
import JSON

/// `status`: is the cluster well, and how much is there?
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether the cluster is well, its nodes, and how much is going on.",
        discussion: """
            HEALTHY: all is well. DEGRADED: requests are served, but a node or replica is missing. UNHEALTHY: requests \
            fail, at least for a part of the instances.

            The exit code is 1 when the cluster is unhealthy or the server cannot be reached, and with --strict also \
            when it is degraded.

            Example:
              thalweg status || notify-operator

            With --json one JSON document is printed, with the members url, verdict, findings, counts and topology.
            """
    )

    @Flag(name: .customLong("strict"), help: "Treat a degraded cluster as a failure, too.")
    var isStrict = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let status: ClusterStatus
            do {
                status = try await session.withProgress({ "asking \(session.connection.address.base)" }) {
                    try await Self.read(session.connection)
                }
            } catch let failure as ClientFailure {
                // Scripts shall see one code for "not well", whatever the reason.
                throw ClientFailure(code: .refused, message: failure.message, status: failure.status)
            }
            try session.show(status.document) {
                status.lines(width: session.terminal.width, style: session.terminal.style)
            }
            if Self.isFailure(status.verdict, isStrict: self.isStrict) {
                throw ClientFailure(code: .refused, message: "")
            }
        }
    }

    /// Whether the exit code shall be 1.
    static func isFailure(_ verdict: ClusterStatus.Verdict, isStrict: Bool) -> Bool {
        switch verdict {
        case .healthy: false
        case .degraded: isStrict
        case .unhealthy: true
        }
    }

    private static func read(_ connection: ServerConnection) async throws -> ClusterStatus {
        // Neither request is repeated on 503: that it is unavailable now is the answer.
        let health = try await connection.exchange(.status)
        let topology = try await connection.exchange(.topology)
        switch ResponseJudgement(topology, to: .topology) {
        case .success, .retry: break
        case .failure(let failure): throw failure
        }
        let isAvailable = (200..<300).contains(topology.status)
        var counts: [ClusterStatus.Count] = []
        for source in CountSource.all {
            let value = isAvailable && health.status != 503 ? await source.read(connection) : nil
            counts.append(source.count(value))
        }
        return ClusterStatus(
            address: connection.address.base,
            statusCode: isAvailable ? health.status : 503,
            topology: isAvailable ? try topology.document() : .null,
            counts: counts
        )
    }
}

/// One number of the status page and the search whose total it is.
private struct CountSource {
    let title: String
    let name: String
    let search: SearchRequest
    let hint: String
    let isTrouble: Bool

    static let all = [
        CountSource(
            title: "Active instances",
            name: "activeInstances",
            search: .processInstances(processID: nil, state: "ACTIVE"),
            hint: "see: thalweg instances",
            isTrouble: false
        ),
        CountSource(
            title: "Open incidents",
            name: "openIncidents",
            search: .incidents(processID: nil, state: "ACTIVE"),
            hint: "see: thalweg incidents",
            isTrouble: true
        ),
        CountSource(
            title: "Failed jobs",
            name: "failedJobs",
            search: .jobs(type: nil, state: "FAILED"),
            hint: "see: thalweg jobs --state failed",
            isTrouble: true
        ),
        CountSource(
            title: "Waiting jobs",
            name: "waitingJobs",
            search: .jobs(type: nil, state: "CREATED"),
            hint: "see: thalweg jobs --state created",
            isTrouble: false
        ),
        CountSource(
            title: "Open user tasks",
            name: "openUserTasks",
            search: .userTasks(assignee: nil, state: "CREATED"),
            hint: "see: thalweg tasks",
            isTrouble: false
        ),
    ]

    /// The total, or nil when the server does not say; a missing number must not hide the rest of the page.
    func read(_ connection: ServerConnection) async -> Int? {
        var request = self.search.page(limit: 1)
        request.timeout = .seconds(5)
        guard let response = try? await connection.exchange(request), (200..<300).contains(response.status) else {
            return nil
        }
        guard let document = try? response.document(), let page = try? SearchPage(document) else { return nil }
        return page.totalItems
    }

    func count(_ value: Int?) -> ClusterStatus.Count {
        ClusterStatus.Count(
            title: self.title,
            name: self.name,
            value: value,
            hint: self.hint,
            isTrouble: self.isTrouble
        )
    }
}
