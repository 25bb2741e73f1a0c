import HTTPTypes
import JSON
import ProcessEngine
import Testing

@testable import HTTPAPI

@Suite struct DeploymentTests {
    private static let type = "multipart/form-data; boundary=XX"

    private static func part(_ disposition: String, _ content: String, more: String = "") -> String {
        "--XX\r\nContent-Disposition: \(disposition)\r\n\(more)\r\n\(content)\r\n"
    }

    private static func deploy(_ gateway: ScriptedGateway, _ body: String, type: String = type) async throws -> Reply {
        let box = ReplyBox()
        try await withAPI(gateway) { client async throws in
            await box.set(try await client.send("POST", "/v2/deployments", body, headers: [.contentType: type]))
        }
        return try #require(await box.reply)
    }

    private actor ReplyBox {
        var reply: Reply?
        func set(_ reply: Reply) { self.reply = reply }
    }

    private static let deployment = Answer.Deployment(
        key: Key(11),
        tenantID: "t",
        processes: [
            .init(definitionKey: Key(12), processID: "order", version: 3, resourceName: "order.bpmn", tenantID: "t")
        ]
    )

    @Test func `files of any part name become resources`() async throws {
        let gateway = ScriptedGateway(.deployed(Self.deployment))
        let body =
            "preamble\r\n"
            + Self.part(
                #"form-data; name="resources"; filename="order.bpmn""#,
                "<a/>\r\n",
                more: "Content-Type: text/xml\r\n"
            )
            + Self.part(#"form-data; filename="b;\"1\".form"; name=other"#, "--X\r\n-XX")
            + Self.part(#"form-data; name="tenantId""#, "t") + "--XX--\r\nepilogue"

        let reply = try await Self.deploy(gateway, body)

        #expect(reply.status == 200, "\(reply.text)")
        let resources = [
            DeploymentResource(name: "order.bpmn", content: Array("<a/>\r\n".utf8)),
            DeploymentResource(name: #"b;"1".form"#, content: Array("--X\r\n-XX".utf8)),
        ]
        #expect(gateway.submissions.map(\.command) == [.deploy(resources: resources, tenantID: "t")])
        let expected = """
            {"deploymentKey":"11","tenantId":"t","deployments":[{"processDefinition":{"processDefinitionId":"order",\
            "processDefinitionVersion":3,"resourceName":"order.bpmn","tenantId":"t","processDefinitionKey":"12"},\
            "decisionDefinition":null,"decisionRequirements":null,"form":null,"resource":null}]}
            """
        #expect(reply.text == expected)
    }

    @Test(arguments: [
        ("", "its boundary"),
        ("--XX--\r\n", "Expected 1 to 500 resources, but got 0"),
        ("--XX\r\n\r\nabc\r\n--XX--", "Content-Disposition"),
        ("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nabc", "but got the end"),
        ("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"", "an empty line"),
        ("--XXX\r\n", "the end of the line"),
        (part(#"form-data; name="f"; filename="""#, "a") + "--XX--", "a file name of 1 to"),
        (part(#"form-data; name="resources""#, "a") + "--XX--", "a file name of 1 to"),
        (part(#"form-data; name="x""#, "a") + "--XX--", "but got 'x'"),
        (part(#"form-data; name="tenantId""#, "a b") + "--XX--", "Expected a tenant id"),
        (
            part(#"form-data; name="f"; filename="a""#, "", more: "X: \(String(repeating: "y", count: 9000))\r\n"),
            "8192"
        ),
    ])
    func `a bad multipart body is refused`(_ body: String, _ detail: String) async throws {
        let gateway = ScriptedGateway()

        let reply = try await Self.deploy(gateway, body)

        #expect(reply.status == 400)
        let found = try reply.detail()
        #expect(found.contains(detail), "\(found)")
        #expect(gateway.submissions.isEmpty)
    }

    @Test(arguments: [
        ("application/json", 415), ("multipart/form-data", 400), ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=\"\(String(repeating: "x", count: 71))\"", 400),
    ])
    func `a content type without a proper boundary is refused`(_ type: String, _ status: Int) async throws {
        #expect(try await Self.deploy(ScriptedGateway(), "--XX--", type: type).status == status)
    }

    @Test(arguments: 0..<50)
    func `random multipart bodies never do harm`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sample =
            Self.part(#"form-data; name="f"; filename="a""#, "abc") + Self.part("form-data; name=t", "x") + "--XX--"
        for _ in 0..<200 {
            var bytes = Array(sample.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[position] = [0x0D, 0x0A, 0x2D, 0x58, 0x22].randomElement(using: &generator) ?? 0
                case 1: bytes.removeSubrange(position..<min(bytes.count, position + 5))
                default: bytes.insert(contentsOf: bytes[position...].prefix(30), at: position)
                }
            }
            guard let body = try? MultipartBody(bytes, contentType: Self.type) else { continue }
            for part in body.parts { #expect(part.content.upperBound <= bytes.count) }
        }
    }
}
