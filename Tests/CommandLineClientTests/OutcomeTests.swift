import JSON
import Testing

@testable import CommandLineClient

@Suite struct OutcomeTests {
    private let rules = OutcomeRules(backoff: .seconds(5), outputLimitBytes: 100)

    private func outcome(
        _ ending: CommandResult.Ending,
        output: String = "",
        error: String = "",
        isCut: Bool = false,
        retries: Int = 3
    ) -> JobOutcome {
        let result = CommandResult(
            ending: ending,
            output: Array(output.utf8),
            isOutputCut: isCut,
            errorTail: Array(error.utf8)
        )
        return self.rules.outcome(of: result, retries: retries)
    }

    @Test(arguments: ["", "\n", " \t\r\n "])
    func `exit code 0 without output completes without variables`(output: String) {
        #expect(self.outcome(.exited(0), output: output) == .completed(variables: nil))
    }

    @Test func `exit code 0 with an object completes with its variables`() throws {
        let expected = try JSONText.parse(Array(#"{"a":[1]}"#.utf8))

        #expect(self.outcome(.exited(0), output: " {\"a\": [1]}\n") == .completed(variables: expected))
    }

    @Test(arguments: ["[1]", "7", "done", "{", #"{"a":1} x"#, #"{"a":1,"a":2}"#])
    func `exit code 0 with anything else is a failure that says so`(output: String) {
        guard case .failed(let retries, let message, _) = self.outcome(.exited(0), output: output, error: "note") else {
            Issue.record("Expected a failure")
            return
        }
        #expect(retries == 2)
        #expect(message.hasPrefix("command printed something that is no JSON object: "))
        #expect(message.hasSuffix(": note"))
    }

    @Test(arguments: [1, 2, 99, 101, 125, 128, 255] as [Int32])
    func `other exit codes fail with the last lines of standard error`(code: Int32) {
        #expect(
            self.outcome(.exited(code), output: "ignored", error: "first\nsecond\n")
                == .failed(
                    retries: 2,
                    message: "command ended with exit code \(code): first\nsecond",
                    backoff: .seconds(5)
                )
        )
    }

    @Test(
        arguments: [
            (.exited(126), "command could not be run (exit code 126: found, but not executable)"),
            (.exited(127), "command could not be run (exit code 127: not found)"),
            (.exited(137), "command ended with exit code 137 (a program in it was killed by 9 (SIGKILL))"),
            (.signaled(11), "command killed by signal 11 (SIGSEGV)"), (.signaled(60), "command killed by signal 60"),
            (.timedOut(after: .seconds(90)), "command killed because it ran longer than 1m30s"),
            (.couldNotStart("no"), "command could not be started: no"),
        ] as [(CommandResult.Ending, String)]
    )
    func `every bad ending has a clear text`(ending: CommandResult.Ending, message: String) {
        #expect(self.outcome(ending) == .failed(retries: 2, message: message, backoff: .seconds(5)))
    }

    @Test(arguments: [(3, 2), (1, 0), (0, 0), (-5, 0), (Int.min + 1, 0)])
    func `a failure takes one retry but never goes below none`(retries: Int, left: Int) {
        guard case .failed(left, _, _) = self.outcome(.exited(1), retries: retries) else {
            Issue.record("Expected \(left) retries left")
            return
        }
    }

    @Test func `exit code 100 is a BPMN error with code, message and variables`() throws {
        let variables = try JSONText.parse(Array(#"{"limit":5}"#.utf8))

        #expect(
            self.outcome(.exited(100), output: " TOO_MUCH \r\n{\"limit\":5}\n", error: "over the limit\n")
                == .threw(code: "TOO_MUCH", message: "over the limit", variables: variables)
        )
        #expect(
            self.outcome(.exited(100), output: "TOO_MUCH") == .threw(code: "TOO_MUCH", message: "", variables: nil)
        )
    }

    @Test(arguments: ["", "\n{}", "   \nX", String(repeating: "x", count: 257)])
    func `exit code 100 without a code is a failure`(output: String) {
        guard case .failed(2, let message, _) = self.outcome(.exited(100), output: output) else {
            Issue.record("Expected a failure")
            return
        }
        #expect(message.contains("without an error code"))
    }

    @Test func `exit code 100 with bad variables is a failure that names the code`() {
        guard case .failed(_, let message, _) = self.outcome(.exited(100), output: "E\nnope") else {
            Issue.record("Expected a failure")
            return
        }
        #expect(message.contains("BPMN error E: printed something that is no JSON object"))
    }

    @Test(arguments: [0, 100] as [Int32])
    func `too much output is a failure that names the limit`(code: Int32) {
        #expect(
            self.outcome(.exited(code), output: "{}", isCut: true)
                == .failed(
                    retries: 2,
                    message: "command wrote more than 100 bytes to standard output (raise --output-limit)",
                    backoff: .seconds(5)
                )
        )
    }

    @Test func `an abandoned command costs no retry`() {
        #expect(
            self.outcome(.abandoned) == .failed(retries: 3, message: "the worker was ended", backoff: .zero)
        )
    }

    @Test func `the message is bounded in lines and characters and free of control characters`() {
        let many = (1...50).map { "line \($0)" }.joined(separator: "\n")
        #expect(OutcomeRules.lastLines(Array(many.utf8)).hasPrefix("line 41\n"))

        let long = OutcomeRules.lastLines(Array(repeating: 120, count: 8_000))
        #expect(long.count == 2_000)
        #expect(long.hasPrefix("…x"))

        #expect(OutcomeRules.lastLines([0x1B, 0x5B, 0x41, 0xFF]) == "[A\u{FFFD}")
    }

    @Test func `the environment tells the job's facts`() throws {
        let text = """
            {"jobKey":"7","type":"pay","retries":2,"deadline":99,"processInstanceKey":"5","elementId":"Task_1",
            "processDefinitionId":"order","customHeaders":{"a":"b"},"variables":{"x":1}}
            """
        let job = try #require(ActivatedJob(try JSONText.parse(Array(text.utf8))))

        #expect(
            job.environment.map { "\($0.name)=\($0.value)" } == [
                "THALWEG_JOB_KEY=7", "THALWEG_JOB_TYPE=pay", "THALWEG_RETRIES=2", "THALWEG_PROCESS_INSTANCE_KEY=5",
                "THALWEG_PROCESS_ID=order", "THALWEG_ELEMENT_ID=Task_1", #"THALWEG_JOB_HEADERS={"a":"b"}"#,
            ]
        )
        #expect(job.variables.compactText == #"{"x":1}"#)
    }

    @Test func `a NUL byte cannot end a variable of the environment early`() throws {
        let job = try #require(ActivatedJob(try JSONText.parse(Array(#"{"jobKey":"7","type":"a\u0000b"}"#.utf8))))

        #expect(job.environment[1].value == "ab")
    }

    @Test func `jobs without a key are left out`() throws {
        let answer = try JSONText.parse(Array(#"{"jobs":[{"type":"a"},{"jobKey":"1"},7,null]}"#.utf8))

        #expect(ActivatedJob.list(answer).map { $0.key } == ["1"])
        #expect(ActivatedJob.list(.null).isEmpty)
    }

    @Test(
        arguments: [
            (204, false, ReportPolicy.done), (503, false, .again(isUncertain: false)),
            (503, true, .again(isUncertain: true)), (504, false, .again(isUncertain: true)), (404, true, .done),
            (409, true, .done), (500, false, .again(isUncertain: false)),
        ])
    func `the answer to a report decides what follows`(status: Int, isUncertain: Bool, policy: ReportPolicy) throws {
        let job = try #require(ActivatedJob(try JSONText.parse(Array(#"{"jobKey":"7"}"#.utf8))))
        let request = APIRequest.report(.completed(variables: nil), for: job)
        let response = ServerResponse(status: status, body: [])

        #expect(ReportPolicy.next(after: response, to: request, isUncertain: isUncertain) == policy)
    }

    @Test func `a report that is refused for good is given up or becomes a failure`() throws {
        let job = try #require(ActivatedJob(try JSONText.parse(Array(#"{"jobKey":"7"}"#.utf8))))
        let request = APIRequest.report(.completed(variables: nil), for: job)
        func policy(_ status: Int) -> ReportPolicy {
            ReportPolicy.next(after: ServerResponse(status: status, body: []), to: request, isUncertain: false)
        }

        #expect(policy(404) == .giveUp("job 7 was not found"))
        #expect(policy(400) == .reportRefusal("the server refused job 7 as invalid"))
        #expect(policy(413) == .reportRefusal("job 7 is too large"))
    }
}
