import Glibc

/// What the kernel knows about a running process.
struct ProcessFacts {
    private let folder: String

    init(processID: pid_t) { self.folder = "/proc/\(processID)" }

    /// The largest resident size so far, in bytes.
    var peakResidentBytes: Int? { self.status("VmHWM:") }

    /// The resident size now, in bytes.
    var residentBytes: Int? { self.status("VmRSS:") }

    /// Processor time of all threads in seconds, in user and in kernel mode.
    var processorSeconds: Double {
        // The name in field 2 may hold anything; it ends at the last parenthesis.
        guard let text = Files.text(self.folder + "/stat"), let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Bytes that the process made the kernel write to disks.
    var writtenBytes: Int { self.counter("write_bytes:") }

    /// Bytes that the process passed to calls that write, to any file.
    var passedBytes: Int { self.counter("wchar:") }

    /// What a thread with this name did so far, in seconds: on a core, and ready without one. Nil if there is none.
    func threadSeconds(_ name: String) -> (running: Double, waiting: Double)? {
        for thread in Files.names(in: self.folder + "/task") {
            let path = "\(self.folder)/task/\(thread)"
            guard Files.text(path + "/comm") == name + "\n" else { continue }
            let fields = (Files.text(path + "/schedstat") ?? "").split(separator: " ")
            guard fields.count > 1, let running = Double(fields[0]), let waiting = Double(fields[1]) else { return nil }
            return (running / 1e9, waiting / 1e9)
        }
        return nil
    }

    private func counter(_ name: String) -> Int {
        guard let text = Files.text(self.folder + "/io") else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return line.split(separator: " ").last.flatMap { Int($0) } ?? 0
        }
        return 0
    }

    private func status(_ name: String) -> Int? {
        guard let text = Files.text(self.folder + "/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            return fields.count > 1 ? Int(fields[1]).map { $0 * 1024 } : nil
        }
        return nil
    }
}

/// Processor time of the servers and of this program, and what the servers wrote, from one moment to another.
struct Consumption {
    let serverProcessorSeconds: Double
    let ownProcessorSeconds: Double
    let writtenBytes: Int

    /// The totals until now.
    static func current(servers: [pid_t]) -> Consumption {
        let facts = servers.map { ProcessFacts(processID: $0) }
        return Consumption(
            serverProcessorSeconds: facts.reduce(0) { $0 + $1.processorSeconds },
            ownProcessorSeconds: ProcessFacts(processID: getpid()).processorSeconds,
            writtenBytes: facts.reduce(0) { $0 + $1.writtenBytes }
        )
    }

    static func - (left: Consumption, right: Consumption) -> Consumption {
        Consumption(
            serverProcessorSeconds: left.serverProcessorSeconds - right.serverProcessorSeconds,
            ownProcessorSeconds: left.ownProcessorSeconds - right.ownProcessorSeconds,
            writtenBytes: left.writtenBytes - right.writtenBytes
        )
    }
}
