import ArgumentParser

/// `thalweg drill SCENARIO`.
struct DrillRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a scenario against a cluster of the drill's own, or rehearse with a running one.",
        discussion: """
            Starts nodes as processes of this machine, lets clients and workers use them, does to them what the \
            scenario says, and compares at the end what was acknowledged with what every node shows. The scenarios of \
            the project are in chaos/. Ctrl-C undoes the faults, ends everything and leaves nothing behind.

            With --cluster only leadership transfers and pauses of local processes are done, against the cluster that \
            runs there; name all its nodes.

            Examples:
              thalweg drill chaos/kill-leader.yaml
              thalweg drill chaos/kill-leader.yaml --short --report /tmp/kill-leader
              thalweg drill chaos/transfer.yaml --cluster http://10.0.0.1:8080,http://10.0.0.2:8080
            """
    )

    @Argument(help: "The scenario's file.")
    var scenario: String

    @Option(help: ArgumentHelp("Where the report goes. Default: ./drill-report/NAME.", valueName: "folder"))
    var report: String?

    @Flag(help: "Run the short form of the scenario.")
    var short = false

    @Option(help: ArgumentHelp("Rehearse with the cluster at these addresses.", valueName: "URL[,URL...]"))
    var cluster: String?

    @Flag(help: "Leave the nodes' folders, and say where they are.")
    var keep = false

    @Flag(help: "Print only the result.")
    var quiet = false

    @Flag(help: .hidden)
    var story = false

    @Flag(help: .hidden)
    var stay = false

    @Option(name: .customLong("first-port"), help: .hidden)
    var firstPort: UInt16?

    @Flag(name: .customLong("plant-stale-read"), help: .hidden)
    var plantsStaleRead = false

    @Option(name: .customLong("scale-duration"), help: .hidden)
    var durationFactor: Double?

    func run() async throws {
        Interruption.install()
        let code = await self.perform()
        if code != 0 { throw ExitCode(code) }
    }

    private func perform() async -> Int32 {
        do {
            let file = try ScenarioReader.read(path: self.scenario)
            var scenario = self.short ? file.scenario.shortened(by: file.short) : file.scenario
            if let factor = self.durationFactor, factor > 0 { scenario.duration *= factor }
            let own = try SystemText.ownExecutable()
            var options = DrillOptions(
                executable: SystemText.environment("THALWEG_BINARY") ?? own,
                ownExecutable: own,
                reportFolder: self.report ?? "drill-report/\(scenario.name)"
            )
            options.isShort = self.short
            options.plantsStaleRead = self.plantsStaleRead
            options.keepsFolder = self.keep
            options.firstPort = self.firstPort
            options.stays = self.stay
            try self.chooseCluster(&options, &scenario)
            let (finalScenario, finalOptions) = (scenario, options)
            let isStory = self.story
            let narrator: any DrillNarrator = isStory ? DemoStory() : LiveOutput(isQuiet: self.quiet)
            return try await onOwnThread {
                try DrillRun.perform(finalScenario, finalOptions, narrator: narrator) { record, history, stage in
                    var record = record
                    record.isShort = finalOptions.isShort
                    try ReportFolder.write(record, history, to: finalOptions.reportFolder)
                    let lines =
                        isStory
                        ? DemoStory.summary(record) : ReportFolder.lines(record, folder: finalOptions.reportFolder)
                    for line in lines { print(line) }
                    if finalOptions.stays, record.hasPassed { Self.stay(stage, finalOptions) }
                    return record.aborted != nil ? 2 : record.hasPassed ? 0 : 1
                }
            }
        } catch {
            StandardError.line("thalweg drill: \(error)")
            return 2
        }
    }

    /// Leaves the cluster up until a signal comes.
    private static func stay(_ stage: DrillStage, _ options: DrillOptions) {
        print("\nThe three nodes stay up until Ctrl-C:")
        for node in stage.introductions { print("  \(node.address)  data in \(node.data)") }
        if let address = stage.introductions.first?.address {
            print(
                """

                In another terminal, try:

                  export THALWEG_URL=\(address)
                  thalweg status
                  thalweg cluster members
                  thalweg cluster transfer-leader
                  thalweg instances --limit 10
                """
            )
        }
        print("\nReport: \(options.reportFolder)/report.html")
        StandardOutput.flush()
        while !Interruption.signal.value { DrillClock.sleep(seconds: 0.1) }
    }

    /// With `--cluster` the nodes are those that run there, and only what does no harm is done.
    private func chooseCluster(_ options: inout DrillOptions, _ scenario: inout Scenario) throws {
        guard let text = self.cluster else { return }
        for url in text.split(separator: ",") {
            guard let address = NodeAddress(url: String(url)) else {
                throw DrillFailure("Expected an address like http://10.0.0.1:8080, but got '\(url)'")
            }
            options.cluster.append(address)
        }
        if let fault = scenario.faults.first(where: { !$0.kind.isHarmless }) {
            throw DrillFailure(
                "Expected only leadership transfers and pauses for a running cluster, but the scenario has "
                    + "'\(fault.kind.rawValue)'; try chaos/transfer.yaml or chaos/pause-leader.yaml"
            )
        }
        scenario.nodes = options.cluster.count
        scenario.network = .plain
    }
}

/// `thalweg drill check HISTORY`.
struct DrillCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the history of a drill's registers again."
    )

    @Argument(help: "The file history.jsonl of a report.")
    var history: String

    func run() async throws {
        let path = self.history
        let code: Int32 = await {
            do {
                let verdict = try await onOwnThread { RegisterCheck.verdict(try RegisterHistory.read(path: path)) }
                print("\(verdict.holds ? "linearizable" : "NOT LINEARIZABLE"): \(verdict.text)")
                if !verdict.detail.isEmpty { print(verdict.detail) }
                return verdict.holds ? 0 : 1
            } catch {
                StandardError.line("thalweg drill: \(error)")
                return 2
            }
        }()
        if code != 0 { throw ExitCode(code) }
    }
}
