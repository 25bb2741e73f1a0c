import Gateway
import JSON
import NIOHTTP1
import ProcessEngine

/// What clients ask about the cluster, the licence and themselves.
enum ClusterRoutes {
    static let routes = [
        Route(.GET, "/v2/topology", topology),
        Route(.GET, "/v2/status", status),
        Route(.GET, "/v2/license", license),
        Route(.GET, "/v2/authentication/me", user),
        Route(.GET, "/v2/system/configuration", configuration),
    ]

    /// All members, with what this node knows of them; a node that has no members yet tells of itself.
    @Sendable
    private static func topology(_ call: Call) async throws -> Response {
        let status = await call.backend.status.clusterStatus()
        var members = await call.backend.administration.members()
        if members.isEmpty {
            members = [MemberStatus(node: status.nodeID, address: "", role: "voter", isConnected: true)]
        }
        // Group 0 keeps the cluster's own state; what clients call partitions are the groups with instances.
        let partitions = status.groups.filter { $0.group > 0 }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("brokers")
        writer.beginArray()
        for member in members {
            let address = NodeAddress(member.address)
            writer.beginObject()
            writer.member("nodeId", member.node)
            writer.member("brokerId", String(member.node))
            writer.member("host", address?.host ?? status.host)
            writer.member("port", address?.port ?? status.port)
            writer.key("partitions")
            writer.beginArray()
            for partition in partitions { Self.write(partition, of: member, status, to: &writer) }
            writer.endArray()
            writer.member("version", status.version)
            writer.endObject()
        }
        writer.endArray()
        writer.member("clusterId", status.clusterID)
        writer.member("clusterSize", members.count)
        writer.member("partitionsCount", partitions.count)
        writer.member("replicationFactor", max(1, members.count { $0.role != "learner" && $0.role != "joining" }))
        writer.member("gatewayVersion", call.backend.configuration.compatibleVersion)
        writer.member("lastCompletedChangeId", "-1")
        writer.endObject()
        return .json(writer)
    }

    /// One replica in the words clients know: a node without a vote is `inactive`, one that is away `dead`.
    private static func write(
        _ partition: GroupStatus,
        of member: MemberStatus,
        _ status: ClusterStatus,
        to writer: inout JSONWriter
    ) {
        let isThisNode = member.node == status.nodeID
        let isLeader = isThisNode ? partition.isLeader : partition.leader == member.node
        let isWithoutVote = member.role == "learner" || member.role == "joining"
        let health: String
        if isThisNode {
            health = partition.isHealthy ? "healthy" : "unhealthy"
        } else {
            health = member.isConnected ? "healthy" : "dead"
        }
        let state: String
        switch member.role {
        case "learner", "joining": state = "joining"
        case "leaving": state = "leaving"
        default: state = "active"
        }
        writer.beginObject()
        writer.member("partitionId", partition.group)
        writer.member("role", isLeader ? "leader" : isWithoutVote ? "inactive" : "follower")
        writer.member("health", health)
        writer.member("state", state)
        writer.endObject()
    }

    @Sendable
    private static func status(_ call: Call) async throws -> Response {
        if let reason = await call.backend.status.notReadyReason() {
            throw Problem(status: 503, title: "UNAVAILABLE", detail: reason)
        }
        return .done()
    }

    @Sendable
    private static func license(_ call: Call) async throws -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("validLicense", true)
        writer.member("licenseType", "thalweg")
        writer.member("isCommercial", false)
        writer.nullMember("expiresAt")
        writer.endObject()
        return .json(writer)
    }

    /// Without users everybody is the same one, who may use everything.
    @Sendable
    private static func user(_ call: Call) async throws -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("username", "anonymous")
        writer.nullMember("displayName")
        writer.nullMember("email")
        writer.stringsMember("authorizedComponents", ["*"])
        writer.key("tenants")
        writer.beginArray()
        writer.beginObject()
        writer.member("name", "Default")
        writer.member("tenantId", defaultTenantID)
        writer.nullMember("description")
        writer.endObject()
        writer.endArray()
        writer.stringsMember("groups", [])
        writer.stringsMember("roles", [])
        writer.nullMember("salesPlanType")
        writer.key("c8Links")
        writer.beginObject()
        writer.endObject()
        writer.member("canLogout", false)
        writer.endObject()
        return .json(writer)
    }

    @Sendable
    private static func configuration(_ call: Call) async throws -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("jobMetrics")
        writer.beginObject()
        writer.member("enabled", false)
        writer.member("exportInterval", "PT5M")
        writer.member("maxWorkerNameLength", 100)
        writer.member("maxJobTypeLength", 100)
        writer.member("maxTenantIdLength", 30)
        writer.member("maxUniqueKeys", 0)
        writer.endObject()
        writer.key("components")
        writer.beginObject()
        writer.stringsMember("active", [])
        writer.endObject()
        writer.key("deployment")
        writer.beginObject()
        writer.member("isMultiTenancyEnabled", false)
        writer.member("maxRequestSize", call.limits.multipartBodyBytes)
        writer.endObject()
        writer.key("authentication")
        writer.beginObject()
        writer.member("canLogout", false)
        writer.member("isLoginDelegated", false)
        writer.endObject()
        writer.key("cloud")
        writer.beginObject()
        writer.nullMember("stage")
        writer.endObject()
        writer.endObject()
        return .json(writer)
    }
}
