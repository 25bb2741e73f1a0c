import Gateway
import JSON
import NIOHTTP1

/// The cluster's members, and changes of them. Any node may be asked; the leader carries them out.
enum AdministrationRoutes {
    /// Clients of Camunda 8 read node ids as 32-bit integers.
    static let nodeIDs: ClosedRange<UInt64> = 1...UInt64(Int32.max)

    static let routes = [
        Route(.GET, "/thalweg/v1/cluster/status", status),
        Route(.GET, "/thalweg/v1/cluster/members", members),
        Route(.POST, "/thalweg/v1/cluster/members", add),
        Route(.POST, "/thalweg/v1/cluster/members/{nodeId}/promote", promote),
        Route(.DELETE, "/thalweg/v1/cluster/members/{nodeId}", remove),
        Route(.POST, "/thalweg/v1/cluster/transfer-leadership", transferLeadership),
    ]

    // MARK: Queries

    /// What this node knows; another one may know better.
    @Sendable
    private static func status(_ call: Call) async throws -> Response {
        let status = await call.backend.status.clusterStatus()
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("clusterId", status.clusterID)
        writer.member("nodeId", status.nodeID)
        writer.member("version", status.version)
        writer.optionalMember("notReadyReason", await call.backend.status.notReadyReason())
        writer.optionalMember("lagReason", await call.backend.status.lagReason())
        writer.key("groups")
        writer.beginArray()
        for group in status.groups {
            writer.beginObject()
            writer.member("group", group.group)
            if let leader = group.leader { writer.member("leader", leader) } else { writer.nullMember("leader") }
            writer.member("role", group.role)
            writer.member("isHealthy", group.isHealthy)
            writer.member("term", group.term)
            writer.member("commitIndex", group.commitIndex)
            writer.member("appliedIndex", group.appliedIndex)
            writer.member("behind", group.behind)
            if let silence = group.leaderSilenceMilliseconds {
                writer.member("leaderSilenceMilliseconds", silence)
            } else {
                writer.nullMember("leaderSilenceMilliseconds")
            }
            writer.optionalMember("digest", group.digest)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer)
    }

    @Sendable
    private static func members(_ call: Call) async throws -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("items")
        writer.beginArray()
        for member in await call.backend.administration.members() {
            writer.beginObject()
            writer.member("nodeId", member.node)
            writer.member("address", member.address)
            writer.member("role", member.role)
            writer.member("isConnected", member.isConnected)
            writer.key("leads")
            writer.beginArray()
            for group in member.leads.sorted() { writer.int(group) }
            writer.endArray()
            writer.key("lag")
            writer.beginArray()
            for (group, entries) in member.lag.sorted(by: { $0.key < $1.key }) {
                writer.beginObject()
                writer.member("group", group)
                writer.member("entries", entries)
                writer.endObject()
            }
            writer.endArray()
            if let offset = member.clockOffsetMilliseconds {
                writer.member("clockOffsetMilliseconds", offset)
            } else {
                writer.nullMember("clockOffsetMilliseconds")
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer)
    }

    // MARK: Changes

    @Sendable
    private static func add(_ call: Call) async throws -> Response {
        let body = try call.object(allowed: ["nodeId", "address"])
        let node = try body.requiredInteger("nodeId", in: Self.nodeIDs)
        let text = try body.requiredString("address")
        guard let address = NodeAddress(text) else {
            throw Problem.invalid(
                "Expected an address like 'host:9301' or '[::1]:9301' for 'address', but got \(Problem.quoted(text))"
            )
        }
        return try await Self.change(.addLearner(node: node, address: address.description), call)
    }

    @Sendable
    private static func promote(_ call: Call) async throws -> Response {
        let node = try Self.node(call)
        _ = try call.object(allowed: [], isRequired: false)
        return try await Self.change(.promote(node: node), call)
    }

    @Sendable
    private static func remove(_ call: Call) async throws -> Response {
        try await Self.change(.remove(node: try Self.node(call)), call)
    }

    @Sendable
    private static func transferLeadership(_ call: Call) async throws -> Response {
        let body = try call.object(allowed: ["nodeId"], isRequired: false)
        let node = try body.integer("nodeId", in: Self.nodeIDs)
        let administration = call.backend.administration
        return try Self.response(
            await administration.transferLeadership(to: node, timeout: call.limits.administrationTimeout)
        )
    }

    private static func change(_ change: ClusterChange, _ call: Call) async throws -> Response {
        let administration = call.backend.administration
        return try Self.response(await administration.change(change, timeout: call.limits.administrationTimeout))
    }

    /// The node in the path: digits without a leading zero.
    private static func node(_ call: Call) throws(Problem) -> UInt64 {
        let text = call.parameter
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, text.utf8.count <= 10, let node = UInt64(text), Self.nodeIDs.contains(node) else {
            let bounds = "\(Self.nodeIDs.lowerBound) to \(Self.nodeIDs.upperBound)"
            throw .invalid("Expected a node id from \(bounds) in the path, but got \(Problem.quoted(text))")
        }
        return node
    }

    private static func response(_ outcome: AdministrationOutcome) throws(Problem) -> Response {
        switch outcome {
        case .done: return .done()
        case .impossible(let reason): throw Problem(status: 409, title: "INVALID_STATE", detail: reason)
        case .tooEarly(let reason): throw Problem(status: 409, title: "NOT_CAUGHT_UP", detail: reason)
        case .unavailable(let reason): throw Problem(status: 503, title: "RESOURCE_EXHAUSTED", detail: reason)
        case .unknown(let reason): throw Problem(status: 504, title: "DEADLINE_EXCEEDED", detail: reason)
        }
    }
}
