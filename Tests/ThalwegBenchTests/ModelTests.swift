import Testing

@testable import thalweg_bench

@Suite
struct ModelTests {
    private static var examplePath: String {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        return root + "/docs/examples/one-task.bpmn"
    }

    @Test func `process and job type are read from the example`() throws {
        let model = try Model(path: Self.examplePath)

        #expect(model.processID == "one-task")
        #expect(model.jobType == "work")
    }

    @Test func `a copy has other names everywhere`() throws {
        let copy = try Model(path: Self.examplePath).copy(named: "waiting")

        #expect(copy.text.contains("<bpmn:process id=\"one-task-waiting\""))
        #expect(copy.text.contains("bpmnElement=\"one-task-waiting\""))
        #expect(copy.text.contains("type=\"work-waiting\""))
        #expect(!copy.text.contains("\"one-task\""))
    }

    @Test func `the port stands in the server's first line`() {
        let line = "thalweg 0.1.0 is listening on http://127.0.0.1:4711 (data in /tmp/x)\n"

        #expect(ServerProcess.port(in: line) == 4711)
        #expect(ServerProcess.port(in: "nothing here") == nil)
    }
}
