import JSON
import NIOHTTP1
import ProcessEngine

/// Messages.
enum MessageRoutes {
    static let routes = [
        Route(.POST, "/v2/messages/publication", publish),
        Route(.POST, "/v2/messages/correlation", correlate),
    ]

    @Sendable
    private static func publish(_ call: Call) async throws -> Response {
        let body = try call.object(allowed: [
            "name", "correlationKey", "timeToLive", "messageId", "variables", "tenantId", "businessId",
        ])
        try body.refuse("businessId")
        let messageID = try body.string("messageId")
        let command = Command.PublishMessage(
            name: try body.requiredString("name"),
            correlationKey: try body.string("correlationKey") ?? "",
            timeToLiveMilliseconds: try body.integer("timeToLive", in: 0...Int64.max) ?? 0,
            messageID: messageID == "" ? nil : messageID,
            variables: try body.variables(),
            tenantID: try body.tenantID()
        )
        let answer = try await call.submit(.publishMessage(command), .publishMessage)
        guard case .messagePublished(let key, let tenantID) = answer else {
            throw Call.unexpectedAnswer(.publishMessage)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("tenantId", tenantID)
        writer.keyMember("messageKey", key)
        writer.endObject()
        return .json(writer)
    }

    @Sendable
    private static func correlate(_ call: Call) async throws -> Response {
        let body = try call.object(allowed: ["name", "correlationKey", "variables", "tenantId", "businessId"])
        try body.refuse("businessId")
        let command = Command.CorrelateMessage(
            name: try body.requiredString("name"),
            correlationKey: try body.string("correlationKey") ?? "",
            variables: try body.variables(),
            tenantID: try body.tenantID()
        )
        let answer = try await call.submit(.correlateMessage(command), .correlateMessage)
        guard case .messageCorrelated(let key, let tenantID, let processInstanceKey) = answer else {
            throw Call.unexpectedAnswer(.correlateMessage)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("tenantId", tenantID)
        writer.keyMember("messageKey", key)
        writer.keyMember("processInstanceKey", processInstanceKey)
        writer.endObject()
        return .json(writer)
    }
}
