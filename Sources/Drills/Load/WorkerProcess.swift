import JSON
import Synchronization

/// Works on jobs in a process of its own, and writes down what it was told. Ends when its standard input does.
package struct WorkerProcess: Sendable {
    /// Where the nodes listen; the worker's own node first.
    let addresses: [NodeAddress]
    let name: String
    /// File for one line of JSON per job.
    let log: String

    package init(addresses: [NodeAddress], name: String, log: String) {
        self.addresses = addresses
        self.name = name
        self.log = log
    }

    /// Works until standard input ends.
    package func run() throws {
        let isOver = Signal()
        let file = try WorkerLog(path: self.log)
        let threads = ThreadGroup()
        for type in [LoadModels.workType, LoadModels.flakyType] {
            threads.start("worker \(type)") { self.work(type, file: file, isOver: isOver) }
        }
        StandardInput.waitForEnd()
        isOver.set()
        threads.join(seconds: 20)
    }

    private func work(_ type: String, file: WorkerLog, isOver: Signal) {
        let stopwatch = Stopwatch(origin: 0)
        let ledger = Ledger()
        var client = RetryingClient(
            addresses: AddressBook(self.addresses),
            node: 0,
            stopwatch: stopwatch,
            ledger: ledger
        )
        let body = JSONValue(members: [
            "type": .string(type), "worker": .string(self.name), "timeout": .int(5_000), "maxJobsToActivate": .int(16),
            "requestTimeout": .int(1_000),
        ])
        while !isOver.value {
            do throws(HTTPFailure) {
                let (reply, _) = try client.attempt(.post("/v2/jobs/activation", body))
                guard reply.status == 200 else {
                    client.moveOn()
                    DrillClock.sleep(seconds: 0.01)
                    continue
                }
                for job in reply.json["jobs"].arrayValue ?? [] {
                    file.write(self.finish(job, &client, isOver))
                }
            } catch {
                client.moveOn()
                DrillClock.sleep(seconds: 0.01)
            }
        }
    }

    /// Completes a job; a flaky one fails at its first attempt.
    private func finish(_ job: JSONValue, _ client: inout RetryingClient, _ isOver: Signal) -> JobReport {
        let key = job.text("jobKey")
        let fails = job.text("type") == LoadModels.flakyType && job.integer("retries") == 3
        let path = "/v2/jobs/\(key)/\(fails ? "failure" : "completion")"
        let body: JSONValue =
            fails
            ? JSONValue(members: ["retries": .int(2), "errorMessage": .string("the first attempt fails")])
            : JSONValue(members: ["variables": JSONValue(members: ["completedBy": .string(self.name)])])
        let request = HTTPRequest.post(path, body, key: "drill-\(self.name)-\(key)-\(job.integer("deadline") ?? 0)")
        var report = JobReport(
            job: key,
            instance: job.text("processInstanceKey"),
            element: job.text("elementId"),
            outcome: .unknown,
            acknowledgement: Acknowledgement(sent: 0, answered: 0)
        )
        switch client.settle(request, isOver: { isOver.value }) {
        case .answered(let reply, let acknowledgement):
            report.outcome = reply.isSuccess ? (fails ? .failed : .completed) : .refused
            report.acknowledgement = acknowledgement
        case .notExecuted, .unknown: break
        }
        return report
    }
}

/// A file of job reports, one JSON object a line; written line by line, so that a killed worker leaves what it knew.
final class WorkerLog: Sendable {
    private let descriptor: Int32
    private let path: String
    private let lock = Mutex(())

    init(path: String) throws {
        self.path = path
        self.descriptor = try OpenFile.appending(path)
    }

    func write(_ report: JobReport) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("job", report.job)
        writer.member("instance", report.instance)
        writer.member("element", report.element)
        writer.member("outcome", report.outcome.rawValue)
        writer.member("sent", Int64(report.acknowledgement.sent * 1_000_000_000))
        writer.member("answered", Int64(report.acknowledgement.answered * 1_000_000_000))
        writer.endObject()
        let bytes = writer.bytes + [10]
        self.lock.withLock { _ in try? Files.append(bytes, to: self.descriptor, path: self.path) }
    }

    /// Reads a worker's file; times become those of `stopwatch`. A torn last line is left out.
    static func read(_ path: String, stopwatch: Stopwatch) -> [JobReport] {
        (Files.contents(path) ?? []).split(separator: 10).compactMap { line in
            guard let value = try? JSONParser.parse(Array(line)),
                let outcome = JobReport.Outcome(rawValue: value.text("outcome")),
                let sent = value.integer("sent"), let answered = value.integer("answered")
            else { return nil }
            return JobReport(
                job: value.text("job"),
                instance: value.text("instance"),
                element: value.text("element"),
                outcome: outcome,
                acknowledgement: Acknowledgement(
                    sent: stopwatch.seconds(at: sent),
                    answered: stopwatch.seconds(at: answered)
                )
            )
        }
    }
}
