import ArgumentParser
import Glibc

/// What all measurements need to know.
struct BenchOptions: ParsableArguments {
    @Option(help: "The executable to measure (default: 'thalweg' beside this one).", completion: .file())
    var server: String?

    @Option(help: "A model with one service task.", completion: .file(extensions: ["bpmn"]))
    var model = "docs/examples/one-task.bpmn"

    @Option(help: "Where the data folders of the measured servers are made; they are removed at the end.")
    var folder = ".build/bench"

    @Option(help: "Write the result as JSON to this file, too.", completion: .file())
    var json: String?

    @Flag(help: "A tenth of the counts and times, to see that everything works.")
    var quick = false

    @Option(help: "Clients at the same time in the measurements of throughput.")
    var clients = 64

    @Option(help: "How many of the clients create instances; the others work jobs.")
    var creators = 31

    @Option(help: "Clients stop creating while this many instances are unfinished.")
    var openLimit = 2048

    func validate() throws {
        guard (2...1024).contains(self.clients), (1..<self.clients).contains(self.creators) else {
            throw ValidationError(
                "Expected 2 to 1024 clients and at least one creator and one worker, "
                    + "but got \(self.clients) clients and \(self.creators) creators"
            )
        }
        guard self.openLimit > 0 else {
            throw ValidationError("Expected an open limit of at least 1, but got \(self.openLimit)")
        }
    }

    /// A count, or a tenth of it in a quick run, but at least `minimum`.
    func scaled(_ count: Int, minimum: Int = 1) -> Int { self.quick ? max(minimum, count / 10) : count }

    /// The same for seconds.
    func scaled(_ seconds: Double, minimum: Double) -> Double { self.quick ? max(minimum, seconds / 10) : seconds }

    /// The executable to measure: the given one, or the one that was built together with this.
    func serverPath() throws -> String {
        if let server = self.server { return server }
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { throw BenchError.system("find this executable") }
        let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/thalweg"
    }

    /// Runs `measure` with a folder of its own, prints what was measured, also if a part failed, and cleans up.
    func report(_ measure: (inout Report, TemporaryFolder, ServerLauncher) throws -> Void) throws {
        let executable = try self.serverPath()
        guard access(executable, X_OK) == 0 else { throw BenchError.system("start '\(executable)'") }
        try Self.report(folder: self.folder, json: self.json, isQuick: self.quick) { report, folder in
            let launcher = ServerLauncher(executable: executable, logPath: folder.newPath("server.log"))
            try measure(&report, folder, launcher)
        }
    }

    /// The same without a server.
    static func report(
        folder parent: String,
        json: String?,
        isQuick: Bool,
        _ measure: (inout Report, TemporaryFolder) throws -> Void
    ) throws {
        Interruption.install()
        let folder = try TemporaryFolder(in: parent)
        defer { folder.remove() }
        var report = Report(machine: MachineFacts.current(folder: folder.path), isQuick: isQuick)
        var failure: (any Error)?
        do {
            try measure(&report, folder)
        } catch {
            failure = error
        }
        if !report.measurements.isEmpty || !report.omissions.isEmpty { print(report.table()) }
        if let failure { throw failure }
        if let path = json { try Files.write(report.json(), to: path) }
    }
}
