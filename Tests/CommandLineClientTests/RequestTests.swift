import ArgumentParser
import JSON
import Testing

@testable import CommandLineClient

@Suite struct RequestTests {
    private func text(_ request: APIRequest) -> String {
        guard case .json(let value) = request.body else { return "" }
        return value.compactText
    }

    @Test func `a start without options holds the process id alone`() {
        let request = APIRequest.start(
            processID: "order",
            version: nil,
            variables: nil,
            awaitTimeout: nil,
            idempotencyKey: nil
        )

        #expect(request.method == .post)
        #expect(request.path == "/process-instances")
        #expect(self.text(request) == #"{"processDefinitionId":"order"}"#)
        #expect(request.idempotencyKey == nil)
    }

    @Test func `an awaited start outlasts the server's own deadline`() throws {
        let request = APIRequest.start(
            processID: "order",
            version: 3,
            variables: try JSONText.parse(Array(#"{"a":1}"#.utf8)),
            awaitTimeout: .seconds(30),
            idempotencyKey: "k"
        )

        #expect(
            self.text(request)
                == #"{"processDefinitionId":"order","processDefinitionVersion":3,"variables":{"a":1},"#
                + #""awaitCompletion":true,"requestTimeout":30000}"#
        )
        #expect(request.timeout == .seconds(40))
        #expect(request.idempotencyKey == "k")
    }

    @Test func `numbered starts have numbered idempotency keys`() throws {
        let one = try StartCommand.parse(["order", "--idempotency-key", "k"])
        let many = try StartCommand.parse(["order", "--idempotency-key", "k", "--count", "3"])

        #expect(one.request(number: 1, variables: nil).idempotencyKey == "k")
        #expect(many.request(number: 3, variables: nil).idempotencyKey == "k-3")
    }

    @Test func `a search holds filter, order and page`() {
        let search = SearchRequest.processInstances(processID: "order", state: "active", hasIncident: true)

        #expect(search.page(limit: 20).path == "/process-instances/search")
        #expect(
            self.text(search.page(limit: 20, after: "abc"))
                == #"{"filter":{"processDefinitionId":"order","state":"ACTIVE","hasIncident":true},"#
                + #""sort":[{"field":"startDate","order":"DESC"}],"page":{"limit":20,"after":"abc"}}"#
        )
    }

    @Test(arguments: [(0, 1), (1, 1), (10_000, 10_000), (10_001, 10_000)])
    func `a page asks for no more than the API allows`(limit: Int, expected: Int) {
        let search = SearchRequest.variables(processInstanceKey: "1")

        #expect(self.text(search.page(limit: limit)).contains(#""page":{"limit":\#(expected)}"#))
    }

    @Test func `a poll tells a longer time than the command gets`() {
        let query = JobQuery(
            type: "pay",
            worker: "w",
            commandTimeout: .seconds(60),
            fetchedVariables: ["a"],
            isLeased: true
        )

        #expect(
            self.text(.activateJobs(query, count: 4, longPoll: .seconds(10)))
                == #"{"type":"pay","worker":"w","timeout":70000,"maxJobsToActivate":4,"fetchVariable":["a"],"#
                + #""requestTimeout":10000,"withLease":true}"#
        )
        #expect(self.text(.activateJobs(query, count: 1, longPoll: nil)).contains(#""requestTimeout":-1"#))
    }

    @Test func `reports carry the lease token and one idempotency key per activation`() throws {
        let document = #"{"jobKey":"7","retries":3,"deadline":99,"jobLeaseToken":"t"}"#
        let job = try #require(ActivatedJob(try JSONText.parse(Array(document.utf8))))

        let completion = APIRequest.report(.completed(variables: nil), for: job)
        let failure = APIRequest.report(.failed(retries: 2, message: "m", backoff: .seconds(5)), for: job)
        let error = APIRequest.report(.threw(code: "E", message: "", variables: nil), for: job)

        #expect(completion.path == "/jobs/7/completion")
        #expect(self.text(completion) == #"{"jobLeaseToken":"t"}"#)
        #expect(completion.idempotencyKey == "job-7-99-completion")
        #expect(failure.path == "/jobs/7/failure")
        #expect(self.text(failure) == #"{"retries":2,"errorMessage":"m","retryBackOff":5000,"jobLeaseToken":"t"}"#)
        #expect(error.path == "/jobs/7/error")
        #expect(self.text(error) == #"{"errorCode":"E","jobLeaseToken":"t"}"#)
    }

    @Test func `the remaining commands have the API's paths and bodies`() {
        #expect(APIRequest.cancel("5").path == "/process-instances/5/cancellation")
        #expect(APIRequest.resolve("5").path == "/incidents/5/resolution")
        let retries = APIRequest.updateJobRetries("5", retries: 3)
        #expect(retries.method == .patch)
        #expect(retries.path == "/jobs/5")
        #expect(self.text(retries) == #"{"changeset":{"retries":3}}"#)
        let message = APIRequest.publish(
            name: "paid",
            correlationKey: "o1",
            variables: nil,
            timeToLive: .seconds(60),
            messageID: "m"
        )
        #expect(message.path == "/messages/publication")
        #expect(
            self.text(message) == #"{"name":"paid","correlationKey":"o1","timeToLive":60000,"messageId":"m"}"#
        )
        let variables = APIRequest.setVariables(
            elementInstanceKey: "5",
            variables: JSONFields().value,
            isLocal: true
        )
        #expect(variables.method == .put)
        #expect(variables.path == "/element-instances/5/variables")
        #expect(self.text(variables) == #"{"variables":{},"local":true}"#)
        #expect(
            self.text(.assignUserTask("5", user: "ada", allowOverride: false))
                == #"{"assignee":"ada","allowOverride":false}"#
        )
        #expect(APIRequest.completeUserTask("5", variables: nil).path == "/user-tasks/5/completion")
    }

    @Test func `a deployment is a form of files with safe names`() {
        let form = MultipartForm(
            files: [
                .init(name: "a\"b\r\n.bpmn", content: Array("<x/>".utf8)),
                .init(name: "b.form", content: Array("thalweg-boundary-0".utf8)),
            ],
            tenantID: nil
        )

        #expect(form.boundary == "thalweg-boundary-1")
        #expect(
            String(decoding: form.encoded(boundary: "B"), as: UTF8.self) == """
                --B\r
                Content-Disposition: form-data; name="resources"; filename="a%22b%0D%0A.bpmn"\r
                Content-Type: application/octet-stream\r
                \r
                <x/>\r
                --B\r
                Content-Disposition: form-data; name="resources"; filename="b.form"\r
                Content-Type: application/octet-stream\r
                \r
                thalweg-boundary-0\r
                --B--\r\n
                """
        )
    }

    @Test func `two files of one name are refused`() {
        #expect(throws: ClientFailure.usage("Expected files of different names, but got a.bpmn twice")) {
            try DeployCommand.form(of: ["x/a.bpmn", "y/a.bpmn"], tenantID: nil) { _ in [] }
        }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("localhost:8080/", "http://localhost:8080"),
            ("https://host/engine/v2/", "https://host/engine"), ("HTTP://[::1]:80", "http://[::1]:80"),
        ])
    func `an address is brought into one form`(text: String, base: String) throws {
        #expect(try ServerAddress(text).base == base)
    }

    @Test(
        arguments: [
            "", "ftp://x", "http://", "http://a b", "http://x?y", "http://u:p@x", "http://x:0", "http://x:99999",
            "http://x:abc", "http://:80", "http://[::1", "http://x#y", "http://x\r\ny",
        ])
    func `what is no address is refused as wrong usage`(text: String) {
        #expect { try ServerAddress(text) } throws: { ($0 as? ClientFailure)?.code == .usage }
    }

    @Test(arguments: [("0", true), ("-5", true), ("", false), ("-", false), ("1a", false), ("１", false)])
    func `a key is a decimal number`(text: String, isKey: Bool) {
        #expect((KeyArgument(text) != nil) == isKey)
    }

    @Test func `credentials become a header, a token first`() throws {
        #expect(try Credentials(token: "t", user: "u", password: "p").headerValue == "Bearer t")
        #expect(try Credentials(token: nil, user: "demo", password: "demo").headerValue == "Basic ZGVtbzpkZW1v")
        #expect(try Credentials(token: "", user: nil, password: "p").headerValue == nil)
        #expect(throws: ClientFailure.self) { try Credentials(token: "a\r\nb", user: nil, password: nil) }
        #expect(throws: ClientFailure.self) { try Credentials(token: nil, user: "a:b", password: nil) }
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func `base 64 follows the RFC's own examples`(text: String, encoded: String) {
        #expect(Base64.encoded(Array(text.utf8)) == encoded)
    }
}
