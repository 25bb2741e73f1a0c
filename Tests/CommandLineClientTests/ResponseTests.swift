import JSON
import Testing

@testable import CommandLineClient

@Suite struct ResponseTests {
    private let request = APIRequest.cancel("42")

    private func response(_ status: Int, _ detail: String = "", title: String = "T") -> ServerResponse {
        let body = #"{"type":"about:blank","title":"\#(title)","status":\#(status),"detail":"\#(detail)"}"#
        return ServerResponse(status: status, body: Array(body.utf8))
    }

    @Test(
        arguments: [
            (400, ClientFailure.Code.refused, "the server refused process instance 42 as invalid: why"),
            (403, .refused, "you are not allowed to do this to process instance 42: why"),
            (404, .refused, "process instance 42 was not found: why"),
            (409, .refused, "process instance 42 is not in a state that allows this: why"),
            (500, .refused, "the server failed on process instance 42: why; its log says more"),
            (418, .refused, "the server answered 418 for process instance 42: why"),
        ])
    func `a problem becomes one sentence`(status: Int, code: ClientFailure.Code, text: String) {
        let failure = Problem(self.response(status, "why.")).failure(for: self.request)

        #expect(failure == ClientFailure(code: code, message: text, status: status))
    }

    @Test func `503 is tried again, 504 is unknown, other refusals are final`() {
        func judge(_ status: Int) -> ResponseJudgement {
            ResponseJudgement(self.response(status), to: self.request)
        }

        guard case .retry(let busy) = judge(503) else { Issue.record("Expected a retry"); return }
        #expect(busy.code == .unavailable)
        #expect(busy.message.contains("nothing was changed"))
        guard case .failure(let unknown) = judge(504) else { Issue.record("Expected a failure"); return }
        #expect(unknown.code == .unknown)
        guard case .failure(let failed) = judge(500) else { Issue.record("Expected a failure"); return }
        #expect(failed.code == .refused)
        #expect(judge(204) == .success)
    }

    @Test(arguments: ["", "<html>", "null", "[]", #"{"detail":7}"#, "\u{FF}"])
    func `a body that is no problem still gives a sentence`(body: String) {
        let failure = Problem(ServerResponse(status: 404, body: Array(body.utf8))).failure(for: self.request)

        #expect(failure.message == "process instance 42 was not found")
    }

    @Test func `a hostile problem cannot paint the terminal or fill it`() {
        let long = String(repeating: "x", count: 100_000)
        let failure = Problem(self.response(404, #"\u001b[2J\#(long)"#)).failure(for: self.request)

        #expect(!failure.message.contains("\u{1B}"))
        #expect(failure.message.count < 2_200)
    }

    @Test func `a refused connection says how to start a server`() throws {
        let address = try ServerAddress("http://127.0.0.1:9")
        let failure = TransportProblem.notConnected("connection refused").failure(for: self.request, at: address)

        #expect(failure.code == .unavailable)
        #expect(
            failure.message == "cannot reach http://127.0.0.1:9: connection refused; is the server running? "
                + "start one with: thalweg serve"
        )
    }

    @Test func `a lost answer is unknown for a command but not for a query`() throws {
        let address = try ServerAddress("http://127.0.0.1:9")
        let lost = TransportProblem.connectionLost("reset")

        #expect(lost.failure(for: self.request, at: address).code == .unknown)
        #expect(lost.failure(for: .topology, at: address).code == .unavailable)
        #expect(TransportProblem.timedOut.failure(for: self.request, at: address).code == .unknown)
    }

    @Test func `failures are told in words or as JSON`() {
        let failure = ClientFailure(code: .refused, message: "no \u{1B} such", status: 404)

        #expect(CommonOptions.text(of: failure, isJSON: false) == "Error: no   such")
        #expect(
            CommonOptions.text(of: failure, isJSON: true)
                == #"{"error":"no \u001b such","exitCode":1,"status":404}"#
        )
    }

    @Test func `a page says where to go on`() throws {
        let text = #"{"items":[{"a":1},{"a":2}],"page":{"totalItems":9,"hasMoreTotalItems":false,"endCursor":"c"}}"#
        let page = try SearchPage(try JSONText.parse(Array(text.utf8)))

        #expect(page.items.count == 2)
        #expect(page.totalItems == 9)
        #expect(page.cursor(afterPageOf: 2) == "c")
        #expect(page.cursor(afterPageOf: 3) == nil)
    }

    @Test(arguments: ["null", "{}", "[]", #"{"items":{}}"#])
    func `an answer without items is refused`(text: String) throws {
        let document = try JSONText.parse(Array(text.utf8))

        #expect(throws: ClientFailure.self) { try SearchPage(document) }
    }

    @Test func `a deployment is shown as a table`() throws {
        let text = """
            {"deploymentKey":"1","tenantId":"<default>","deployments":[
            {"processDefinition":{"processDefinitionId":"order","processDefinitionVersion":2,"resourceName":"o.bpmn",
            "tenantId":"<default>","processDefinitionKey":"225"},"form":null},
            {"form":{"formId":"f","version":1,"resourceName":"f.form","tenantId":"<default>","formKey":"226"}}]}
            """

        #expect(
            DeployCommand.lines(try JSONText.parse(Array(text.utf8)), width: nil) == [
                "KIND     ID     VERSION  KEY  FILE",
                "process  order        2  225  o.bpmn",
                "form     f            1  226  f.form",
            ]
        )
    }

    @Test(arguments: [(1, 0.0, 100), (1, 1.0, 200), (2, 0.0, 200), (5, 1.0, 2_000), (1_000_000, 1.0, 2_000)])
    func `waits double up to the limit with jitter in their upper half`(
        attempt: Int,
        jitter: Double,
        milliseconds: Int
    ) {
        let delay = RetryDelay(first: .milliseconds(200), limit: .seconds(2))

        #expect(delay.wait(after: attempt, jitter: jitter).wholeMilliseconds == milliseconds)
    }

    @Test func `variables come inline, from a file or from standard input, and must be an object`() throws {
        #expect(VariablesSource(argument: "-") == .standardInput)
        #expect(VariablesSource(argument: "@a.json") == .file("a.json"))
        #expect(try VariablesSource(argument: #"{"a":1}"#).load().compactText == #"{"a":1}"#)
        #expect(throws: ClientFailure.usage("Expected a JSON object in the variables, but got an array")) {
            try VariablesSource.inline("[1]").load()
        }
        #expect(throws: ClientFailure.usage("cannot read /nonexistent/x: no such file or directory")) {
            try VariablesSource.file("/nonexistent/x").load()
        }
    }
}
