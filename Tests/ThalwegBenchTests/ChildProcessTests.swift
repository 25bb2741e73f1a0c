import Glibc
import Testing

@testable import thalweg_bench

@Suite
struct ChildProcessTests {
    private func folder() throws -> TemporaryFolder {
        var name = Array("/tmp/thalweg-bench-tests-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&name))
        return try TemporaryFolder(in: String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    @Test func `a command gives back what it printed`() throws {
        let folder = try self.folder()
        defer { folder.remove() }

        #expect(try ChildProcess.run("echo", ["one", "two"], in: folder) == "one two\n")
    }

    @Test func `a failing command is an error with its reason`() throws {
        let folder = try self.folder()
        defer { folder.remove() }

        let error = #expect(throws: BenchError.self) {
            try ChildProcess.run("sh", ["-c", "echo because >&2; exit 3"], in: folder)
        }
        #expect(error?.description.contains("3") == true)
        #expect(error?.description.contains("because") == true)
    }

    @Test func `a process that runs is ended with its object`() throws {
        let folder = try self.folder()
        defer { folder.remove() }
        var process: ChildProcess? = try ChildProcess("sleep", ["600"], logPath: folder.newPath("log"))
        let processID = try #require(process?.processID)
        #expect(process?.isRunning == true)

        process = nil

        #expect(kill(processID, 0) == -1)
    }

    @Test func `free ports are free and distinct`() throws {
        let ports = try FreePorts.find(50)

        #expect(Set(ports).count == 50)
        #expect(throws: BenchError.self) { try Connection(Endpoint(port: ports[0])) }
    }
}
