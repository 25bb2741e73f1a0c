import ArgumentParser
import JSON

/// `deploy`: sends models and forms as one deployment.
struct DeployCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Deploy process models, decisions and forms.",
        discussion: """
            All files become one deployment: either every file is accepted or none is. A model that is unchanged since \
            its last deployment keeps its version.

            Examples:
              thalweg deploy order.bpmn
              thalweg deploy order.bpmn discount.dmn approve.form

            With --json the server's answer is printed as one JSON document.
            """
    )

    @Argument(help: ArgumentHelp("Files to deploy (.bpmn, .dmn, .form).", valueName: "file"))
    var files: [String]

    @Option(help: ArgumentHelp("Deploy for this tenant.", valueName: "id"))
    var tenant: String?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await self.common.perform { session in
            let form = try Self.form(of: self.files, tenantID: self.tenant) { path throws(ClientFailure) in
                try FileContents.read(path, limit: FileContents.deploymentBytesLimit)
            }
            let answer = try await session.withProgress({ "deploying" }) {
                try await session.connection.send(.deploy(form))
            }
            try session.show(answer) { Self.lines(answer, width: session.terminal.width) }
        }
    }

    /// The form of all files, each under its base name; two files of one name are refused.
    static func form(
        of paths: [String],
        tenantID: String?,
        read: (String) throws(ClientFailure) -> [UInt8]
    ) throws(ClientFailure) -> MultipartForm {
        var files: [MultipartForm.File] = []
        for path in paths {
            let name = path.split(separator: "/").last.map { String($0) } ?? path
            guard !files.contains(where: { $0.name == name }) else {
                throw .usage("Expected files of different names, but got \(name) twice")
            }
            files.append(MultipartForm.File(name: name, content: try read(path)))
        }
        return MultipartForm(files: files, tenantID: tenantID)
    }

    /// A table of what was deployed.
    static func lines(_ answer: JSONValue, width: Int?) -> [String] {
        var table = Table([.text("KIND"), .text("ID"), .number("VERSION"), .key("KEY"), .text("FILE")])
        for entry in answer.member("deployments")?.arrayValue ?? [] {
            for kind in DeployedKind.all {
                guard let item = entry.member(kind.member) else { continue }
                table.append([
                    kind.name, item.text(kind.id), item.digits(kind.version), item.text(kind.key),
                    item.text("resourceName"),
                ])
            }
        }
        let lines = table.lines(fitting: width)
        return lines.isEmpty ? ["deployed \(answer.text("deploymentKey"))"] : lines
    }
}

/// Where each kind of deployed thing keeps its id, version and key in a deployment's answer.
private struct DeployedKind {
    let name: String
    let member: String
    let id: String
    let version: String
    let key: String

    static let all = [
        DeployedKind(
            name: "process",
            member: "processDefinition",
            id: "processDefinitionId",
            version: "processDefinitionVersion",
            key: "processDefinitionKey"
        ),
        DeployedKind(
            name: "decision",
            member: "decisionDefinition",
            id: "decisionDefinitionId",
            version: "version",
            key: "decisionDefinitionKey"
        ),
        DeployedKind(
            name: "requirements",
            member: "decisionRequirements",
            id: "decisionRequirementsId",
            version: "version",
            key: "decisionRequirementsKey"
        ),
        DeployedKind(name: "form", member: "form", id: "formId", version: "version", key: "formKey"),
        DeployedKind(name: "resource", member: "resource", id: "resourceId", version: "version", key: "resourceKey"),
    ]
}
