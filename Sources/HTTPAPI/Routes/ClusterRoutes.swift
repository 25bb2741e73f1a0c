import Gateway
import HTTPTypes
import HummingbirdCore
import JSON
import ProcessEngine

/// What clients ask about the cluster, the licence and themselves.
enum ClusterRoutes {
    static let routes = [
        Route(.get, "/v2/topology", topology),
        Route(.get, "/v2/status", status),
        Route(.get, "/v2/license", license),
        Route(.get, "/v2/authentication/me", user),
        Route(.get, "/v2/system/configuration", configuration),
    ]

    @Sendable
    private static func topology(_ call: Call) async throws -> Response {
        let status = await call.backend.status.clusterStatus()
        // Group 0 keeps the cluster's own state; what clients call partitions are the groups with instances.
        let partitions = status.groups.filter { $0.group > 0 }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("brokers")
        writer.beginArray()
        writer.beginObject()
        writer.member("nodeId", status.nodeID)
        writer.member("brokerId", String(status.nodeID))
        writer.member("host", status.host)
        writer.member("port", status.port)
        writer.key("partitions")
        writer.beginArray()
        for partition in partitions {
            writer.beginObject()
            writer.member("partitionId", partition.group)
            writer.member("role", partition.isLeader ? "leader" : "follower")
            writer.member("health", partition.isHealthy ? "healthy" : "unhealthy")
            writer.member("state", "active")
            writer.endObject()
        }
        writer.endArray()
        writer.member("version", status.version)
        writer.endObject()
        writer.endArray()
        writer.member("clusterId", status.clusterID)
        writer.member("clusterSize", 1)
        writer.member("partitionsCount", partitions.count)
        writer.member("replicationFactor", 1)
        writer.member("gatewayVersion", call.backend.configuration.compatibleVersion)
        writer.member("lastCompletedChangeId", "-1")
        writer.endObject()
        return .json(writer)
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
