import RaftCore
import Synchronization

/// Finds the gauge of a peer's consensus stream from any thread.
final class GaugeTable: Sendable {
    private let gauges = Mutex<[NodeID: QueueGauge]>([:])

    func add(_ gauge: QueueGauge, for node: NodeID) { self.gauges.withLock { $0[node] = gauge } }

    /// All gauges at this moment.
    var current: [NodeID: QueueGauge] { self.gauges.withLock { $0 } }
}
