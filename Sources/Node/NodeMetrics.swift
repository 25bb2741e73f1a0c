import ReplicaCore

/// The node's figures in the Prometheus text format (version 0.0.4).
enum NodeMetrics {
    private struct Metric: Sendable {
        var name: String
        var kind: String
        var help: String
        var value: @Sendable (GroupRunner.Snapshot) -> UInt64
    }

    private static let perGroup: [Metric] = [
        Metric(name: "thalweg_group_leader", kind: "gauge", help: "1 if this node leads the group.") {
            $0.isLeader ? 1 : 0
        },
        Metric(name: "thalweg_group_ready", kind: "gauge", help: "1 if commands are executed here.") {
            $0.isReady ? 1 : 0
        },
        Metric(name: "thalweg_raft_term", kind: "gauge", help: "Term of the group.") { $0.term },
        Metric(name: "thalweg_raft_commit_index", kind: "gauge", help: "Highest committed index.") { $0.commitIndex },
        Metric(name: "thalweg_applied_index", kind: "gauge", help: "Highest index in the state.") { $0.appliedIndex },
        Metric(name: "thalweg_durable_applied_index", kind: "gauge", help: "Highest index synced with the state.") {
            $0.durableAppliedIndex
        },
        Metric(name: "thalweg_queued_commands", kind: "gauge", help: "Commands that wait for execution.") {
            UInt64($0.queuedCommands)
        },
        Metric(name: "thalweg_waiting_activations", kind: "gauge", help: "Long polls that wait for jobs.") {
            UInt64($0.parkedActivations)
        },
        Metric(name: "thalweg_state_wal_bytes", kind: "gauge", help: "Size of the state's write-ahead log.") {
            UInt64($0.walBytes)
        },
        Metric(name: "thalweg_batches_total", kind: "counter", help: "Committed batches.") { $0.statistics.batches },
        Metric(name: "thalweg_commands_total", kind: "counter", help: "Executed commands.") { $0.statistics.commands },
        Metric(name: "thalweg_rejections_total", kind: "counter", help: "Refused commands.") {
            $0.statistics.rejections
        },
        Metric(name: "thalweg_faults_total", kind: "counter", help: "Commands that failed by a fault of the engine.") {
            $0.statistics.faults
        },
        Metric(name: "thalweg_events_total", kind: "counter", help: "Committed events.") { $0.statistics.events },
        Metric(name: "thalweg_event_bytes_total", kind: "counter", help: "Bytes of committed events.") {
            $0.statistics.eventBytes
        },
        Metric(name: "thalweg_instances_created_total", kind: "counter", help: "Created process instances.") {
            $0.statistics.instancesCreated
        },
        Metric(name: "thalweg_instances_completed_total", kind: "counter", help: "Completed process instances.") {
            $0.statistics.instancesCompleted
        },
        Metric(name: "thalweg_instances_terminated_total", kind: "counter", help: "Terminated process instances.") {
            $0.statistics.instancesTerminated
        },
        Metric(name: "thalweg_jobs_created_total", kind: "counter", help: "Created jobs.") {
            $0.statistics.jobsCreated
        },
        Metric(name: "thalweg_jobs_activated_total", kind: "counter", help: "Activated jobs.") {
            $0.statistics.jobsActivated
        },
        Metric(name: "thalweg_jobs_completed_total", kind: "counter", help: "Completed jobs.") {
            $0.statistics.jobsCompleted
        },
        Metric(name: "thalweg_incidents_created_total", kind: "counter", help: "Created incidents.") {
            $0.statistics.incidentsCreated
        },
        Metric(name: "thalweg_incidents_resolved_total", kind: "counter", help: "Resolved incidents.") {
            $0.statistics.incidentsResolved
        },
        Metric(name: "thalweg_timers_triggered_total", kind: "counter", help: "Triggered timers.") {
            $0.statistics.timersTriggered
        },
        Metric(name: "thalweg_messages_published_total", kind: "counter", help: "Published messages.") {
            $0.statistics.messagesPublished
        },
    ]

    static func text(
        groups: [(group: UInt32, snapshot: GroupRunner.Snapshot)],
        lags: [(group: UInt32, lag: ReplicaLag)],
        space: (available: UInt64, total: UInt64)?
    ) -> String {
        var lines: [String] = []
        for metric in perGroup {
            lines.append("# HELP \(metric.name) \(metric.help)")
            lines.append("# TYPE \(metric.name) \(metric.kind)")
            for (group, snapshot) in groups {
                lines.append("\(metric.name){group=\"\(group)\"} \(metric.value(snapshot))")
            }
        }
        lines.append("# HELP thalweg_group_behind_entries Committed entries that are not in this node's state.")
        lines.append("# TYPE thalweg_group_behind_entries gauge")
        for (group, lag) in lags { lines.append("thalweg_group_behind_entries{group=\"\(group)\"} \(lag.entries)") }
        lines.append("# HELP thalweg_leader_silence_seconds For how long this node has not heard of a leader.")
        lines.append("# TYPE thalweg_leader_silence_seconds gauge")
        for (group, lag) in lags {
            let seconds = Double(lag.silence ?? 0) / 1_000
            lines.append("thalweg_leader_silence_seconds{group=\"\(group)\"} \(seconds)")
        }
        if let space {
            lines.append("# HELP thalweg_disk_available_bytes Space left for the data folder.")
            lines.append("# TYPE thalweg_disk_available_bytes gauge")
            lines.append("thalweg_disk_available_bytes \(space.available)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
