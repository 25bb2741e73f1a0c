/// How long an empty node takes to receive everything, beside a plain copy of as many bytes through TLS.
struct RestoreMeasurement {
    private static let ratioAim = 2.0
    private static let limitSeconds = 1_800.0
    /// Bytes of text in each instance.
    private static let variableBytes = 64 << 10
    private static let clients = 8

    let megabytes: Int

    func run(_ executable: String, _ folder: TemporaryFolder, _ model: Model, _ report: inout Report) throws {
        let places = Array(repeating: NodePlace(), count: 3)
        let cluster = try ThalwegCluster(executable, in: folder, at: places)
        defer { cluster.stop() }
        _ = try cluster.deploy(model)
        let count = max(1, self.megabytes * 1_000_000 / Self.variableBytes)
        Progress.line("cluster.restore: filling \(self.megabytes) MB")
        _ = try Creation(count: count, clients: Self.clients).run(cluster.endpoints, body: self.body(model))
        let leader = try cluster.leader()
        guard let status = try cluster.status(of: leader) else { throw BenchError("Expected a leader, but it is gone") }

        let node = try cluster.join(at: NodePlace())
        try cluster.start(node)
        guard let server = node.server else { return }
        let seconds = try CatchUp.wait(
            cluster,
            node,
            index: status.appliedIndex,
            since: server.startTime,
            Self.limitSeconds
        )
        let state = Files.allocatedBytes(in: node.data + "/state")
        let history = Files.allocatedBytes(in: node.data + "/history")
        let bytes = state + history
        var restore = Measurement(
            id: "cluster.restore",
            title: "an empty node receives \(Unit.megabytes.text(Double(bytes) / 1e6)) of state",
            value: seconds,
            unit: .seconds
        )
        restore.add("state", Double(state) / 1e6, .megabytes)
        restore.add("history", Double(history) / 1e6, .megabytes)
        restore.add("log", Double(Files.allocatedBytes(in: node.data + "/log")) / 1e6, .megabytes)
        restore.add("a second", Double(bytes) / 1e6 / seconds, .megabytes)
        restore.add("snapshots", Double(node.countInLog("installed a snapshot")), .count)
        restore.add("instances", Double(count), .count)
        report.add(restore)

        // The cluster rests meanwhile, but it must not take part in the copy.
        let files = Files.largest(in: node.data + "/state")
        cluster.stop()
        guard ChildProcess.isInstalled("openssl") else {
            return report.omit("cluster.restore.copy", "openssl is not installed (Debian: openssl)")
        }
        let copy = try TLSCopy(certificates: leader.certificates, folder).run(files)
        let copySeconds = copy.seconds * Double(bytes) / Double(copy.bytes)
        var measurement = Measurement(
            id: "cluster.restore.copy",
            title: "openssl copies as many bytes through TLS and syncs them",
            value: copySeconds,
            unit: .seconds
        )
        measurement.add("copied", Double(copy.bytes) / 1e6, .megabytes)
        measurement.add("a second", Double(copy.bytes) / 1e6 / copy.seconds, .megabytes)
        report.add(measurement)
        var ratio = Measurement(
            id: "cluster.restore.ratio",
            title: "time of the restore to that of the copy",
            value: seconds / copySeconds,
            unit: .ratio
        )
        ratio.aim = Aim(direction: .atMost, limit: Self.ratioAim)
        report.add(ratio)
    }

    /// Text that does not shrink much, the same in each run.
    private func body(_ model: Model) -> String {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var text: [UInt8] = []
        text.reserveCapacity(Self.variableBytes)
        let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".utf8)
        while text.count < Self.variableBytes {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            text.append(digits[Int(state >> 58)])
        }
        let variable = String(decoding: text, as: UTF8.self)
        return "{\"processDefinitionId\":\"\(model.processID)\",\"variables\":{\"text\":\"\(variable)\"}}"
    }
}
