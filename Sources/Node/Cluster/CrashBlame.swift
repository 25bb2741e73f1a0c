import ProcessEngine
import RaftCore
import ReplicaCore
import Synchronization

/// What has ended processes of the cluster: each node remembers what ended its own, and they tell each other, so that
/// one poisoned command or timer is put aside after its second crash, wherever that was (architecture.md, section 2).
final class CrashBlame: Sendable {
    /// What has ended this node's process, but not too often yet.
    let own: [ExecutionMark]
    private let others: Mutex<[NodeID: [ExecutionMark]]> = Mutex([:])
    private let reported: Mutex<Set<ExecutionMark>> = Mutex([])
    private let runner: GroupRunner

    init(own: [ExecutionMark], runner: GroupRunner) {
        self.own = own
        self.runner = runner
    }

    /// Takes note of what has ended the process of another node.
    func note(_ marks: [ExecutionMark], of node: NodeID) {
        let known = others.withLock { others in
            others[node] = marks
            return others
        }
        for mark in (own + marks) {
            let count = (own.contains(mark) ? 1 : 0) + known.values.count { $0.contains(mark) }
            guard count >= Int(CrashFile.crashLimit), reported.withLock({ $0.insert(mark).inserted }) else { continue }
            runner.post(
                .poisoned(
                    mark,
                    reason: "Executing this ended the servers of \(count) nodes. Correct the model, then resolve this "
                        + "incident, or cancel the process instance."
                )
            )
        }
    }

    /// Tells another node, and hears from it.
    func exchange(with node: NodeID, over link: ClusterLink) async {
        for _ in 0..<20 {
            do {
                let question = ForwardedRequest.crashes(own).encoded()
                let answer = try await link.request(question, to: node, timeout: .seconds(5))
                if case .crashes(let marks) = try ForwardedRequest(decoding: answer) { note(marks, of: node) }
                return
            } catch {
                // The stream for requests may not stand yet.
                try? await Task.sleep(for: .milliseconds(250))
            }
        }
    }
}
