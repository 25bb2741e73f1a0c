import JSON
import NIOHTTP1
import ProcessEngine

/// Deployments of models.
enum DeploymentRoutes {
    private static let nameLengthLimit = 1024
    private static let resourceLimit = 500

    static let routes = [Route(.POST, "/v2/deployments", body: .multipart, deploy)]

    @Sendable
    private static func deploy(_ call: Call) async throws -> Response {
        let contentType = call.request.header("Content-Type")
        let bytes = call.request.body
        let body = try MultipartBody(bytes, contentType: contentType)
        var resources: [DeploymentResource] = []
        var tenantID = defaultTenantID
        for part in body.parts {
            if part.filename != nil || part.name == "resources" {
                resources.append(try Self.resource(part, of: body))
            } else if part.name == "tenantId" {
                tenantID = try RequestObject.checkedTenantID(String(decoding: bytes[part.content], as: UTF8.self))
            } else {
                throw Problem.invalid(
                    "Expected parts with a file name, 'resources' or 'tenantId', but got \(Problem.quoted(part.name))"
                )
            }
        }
        guard !resources.isEmpty, resources.count <= Self.resourceLimit else {
            throw Problem.invalid("Expected 1 to \(Self.resourceLimit) resources, but got \(resources.count)")
        }
        let answer = try await call.submit(.deploy(resources: resources, tenantID: tenantID), .createDeployment)
        guard case .deployed(let deployment) = answer else { throw Call.unexpectedAnswer(.createDeployment) }
        return Self.response(deployment)
    }

    private static func resource(_ part: MultipartBody.Part, of body: MultipartBody) throws(Problem)
        -> DeploymentResource
    {
        let name = part.filename ?? ""
        let hasControls = name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        guard !hasControls, (1...Self.nameLengthLimit).contains(name.utf8.count) else {
            throw .invalid(
                "Expected a file name of 1 to \(Self.nameLengthLimit) bytes for every resource, "
                    + "but got \(Problem.quoted(name))"
            )
        }
        return DeploymentResource(name: name, content: Array(body.bytes[part.content]))
    }

    private static func response(_ deployment: Answer.Deployment) -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.keyMember("deploymentKey", deployment.key)
        writer.member("tenantId", deployment.tenantID)
        writer.key("deployments")
        writer.beginArray()
        for process in deployment.processes {
            writer.beginObject()
            writer.key("processDefinition")
            writer.beginObject()
            writer.member("processDefinitionId", process.processID)
            writer.member("processDefinitionVersion", process.version)
            writer.member("resourceName", process.resourceName)
            writer.member("tenantId", process.tenantID)
            writer.keyMember("processDefinitionKey", process.definitionKey)
            writer.endObject()
            for absent in ["decisionDefinition", "decisionRequirements", "form", "resource"] {
                writer.nullMember(absent)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer)
    }
}
