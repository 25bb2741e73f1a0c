import Foundation
import ProcessEngine
import RaftCore
import RaftLog
import SimulatedDisk
import StateStore
import Testing

/// Log and state on one disk that loses power at every write and sync: whatever is left of the two must fit together.
struct LogAndStateTests {
    /// What is wrong with the disk as it is found after a power cut; nil if nothing is. `before` held when the power
    /// went, and `underWay` is what was to hold next.
    private static func violation(
        on image: DiskImage,
        _ host: ReplicaHost,
        _ before: ReplicaHost.Mark,
        underWay: ReplicaHost.Mark
    ) -> String? {
        do {
            let disk = SimulatedDisk(image)
            let log = try ReplicaHost.openLog(disk, mustExist: true)
            let status = try log.status(of: .one)
            guard status == before.status || status == underWay.status else {
                return "the log is not as it was acknowledged"
            }
            if let violation = try Self.violation(of: log, status, host, commit: before.commit) { return violation }
            let path = "\(ReplicaHost.folder(status.stateGeneration))/\(StateFile.name)"
            guard disk.image.contents(of: path) != nil else { return "generation \(status.stateGeneration) is gone" }
            let state = try ReplicaHost.openState(disk, generation: status.stateGeneration)
            let mark = status == underWay.status ? underWay : before
            return try Self.violation(of: state, log, status, host, before, mark)
        } catch {
            return "\(error)"
        }
    }

    private static func violation(
        of log: SQLiteRaftLog,
        _ status: GroupStatus,
        _ host: ReplicaHost,
        commit: UInt64
    ) throws -> String? {
        guard status.lastIndex.rawValue >= commit else { return "committed entries are gone" }
        try log.verify(.one)
        let committed = try log.entries(of: .one, from: status.firstIndex, through: LogIndex(commit), maxBytes: .max)
        for entry in committed where entry.term.rawValue != host.committedTerms[Int(entry.index.rawValue) - 1] {
            return "committed entry \(entry.index) is another one"
        }
        return nil
    }

    private static func violation(
        of state: SQLiteState,
        _ log: SQLiteRaftLog,
        _ status: GroupStatus,
        _ host: ReplicaHost,
        _ before: ReplicaHost.Mark,
        _ mark: ReplicaHost.Mark
    ) throws -> String? {
        let applied = state.position.appliedIndex
        guard applied <= status.lastIndex.rawValue else { return "state at \(applied) is ahead of the log" }
        guard applied >= status.snapshot.index.rawValue else {
            return "a gap between state at \(applied) and log from \(status.firstIndex) on"
        }
        if status.stateGeneration == before.generation, applied < before.durableApplied {
            return "durable effects up to \(before.durableApplied) are gone, state is at \(applied)"
        }
        for index in max(1, applied > 20 ? applied - 20 : 1)...(applied + 2) {
            let effect = try state.answeredRequest(ReplicaHost.request(index))
            let expected = index <= applied ? Int64(host.committedTerms[Int(index) - 1]) : nil
            guard effect?.commandHash == expected else {
                return "state at \(applied) has effect \(effect?.commandHash ?? 0) of entry \(index)"
            }
        }
        guard state.digest == host.digests[Int(applied)] else { return "state at \(applied) has another digest" }
        // The log supplies the rest.
        let commit = max(mark.commit, applied)
        if applied < commit {
            let rest = try log.entries(of: .one, from: LogIndex(applied + 1), through: LogIndex(commit), maxBytes: .max)
            try ReplicaHost.apply(rest.map { ($0.index.rawValue, $0.term.rawValue) }, to: state)
        }
        return state.digest == host.digests[Int(commit)] ? nil : "another digest after going on to \(commit)"
    }

    /// Cuts the power everywhere, and loses all that is not synced, a random part of it, or nothing. Ends at the first
    /// violation.
    private static func firstViolation(seed: UInt64, steps: Int, _ mistake: ReplicaHost.Mistake? = nil) throws
        -> String?
    {
        let host = try ReplicaHost(seed: seed, mistake: mistake)
        try host.run(steps: steps)
        let recording = try #require(host.disk.recording)
        let marks = host.marks
        var position = 0
        var violation: String?
        recording.forEachStep { done, image in
            guard violation == nil else { return }
            while position + 1 < marks.count, marks[position + 1].operations <= done { position += 1 }
            // One kind of loss at each point; other seeds have another one there.
            let losses: [DiskImage.Loss] = [
                .losesAll, .random(seed: seed << 32 + UInt64(done)), .losesNothing, .losesAll,
            ]
            let loss = losses[(done + Int(seed)) % losses.count]
            let underWay = marks[min(position + 1, marks.count - 1)]
            violation = Self.violation(on: image.afterPowerCut(loss), host, marks[position], underWay: underWay)
                .map { "seed \(seed), \(done) operations, \(loss): \($0)" }
        }
        return violation
    }

    /// More with LOG_AND_STATE_SEEDS=first-last.
    private static let seeds: [UInt64] = {
        let text = ProcessInfo.processInfo.environment["LOG_AND_STATE_SEEDS"] ?? "1-2"
        let bounds = text.split(separator: "-").compactMap { UInt64($0) }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { return [] }
        return Array(bounds[0]...bounds[1])
    }()

    @Test(arguments: seeds)
    func `after a power cut at any point log and state fit together, and nothing promised is gone`(
        seed: UInt64
    ) throws {
        let violation = try Self.firstViolation(seed: seed, steps: 16)

        #expect(violation == nil)
    }

    @Test(arguments: ReplicaHost.Mistake.allCases)
    func `a host that makes a mistake is caught`(mistake: ReplicaHost.Mistake) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            if try Self.firstViolation(seed: seed, steps: 16, mistake) != nil { return }
        }
        Issue.record("Expected a violation, but got none")
    }

    @Test func `the steps of a host contain all that is to be cut`() throws {
        var (snapshots, compactions, durable, conflicts) = (0, 0, 0, 0)
        for seed in 1...6 as ClosedRange<UInt64> {
            let host = try ReplicaHost(seed: seed)
            try host.run(steps: 16)
            for (mark, next) in zip(host.marks, host.marks.dropFirst()) {
                let isInstall = next.generation > mark.generation
                snapshots += isInstall ? 1 : 0
                compactions += !isInstall && next.status.firstIndex > mark.status.firstIndex ? 1 : 0
                durable += next.durableApplied > mark.durableApplied ? 1 : 0
                conflicts += next.status.lastIndex < mark.status.lastIndex ? 1 : 0
            }
        }
        #expect(snapshots > 0)
        #expect(compactions > 0)
        #expect(durable > 0)
        #expect(conflicts > 0)
    }
}
