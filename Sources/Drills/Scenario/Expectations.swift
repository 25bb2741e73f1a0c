/// What must be true for a drill to pass. Whatever a scenario does not name is not judged, but measured all the same.
package struct Expectations: Hashable, Sendable {
    /// Longest allowed time from a fault to the next acknowledged command, in seconds: the median, and the worst.
    package var recoveryMedian: Double?
    package var recoveryMaximum: Double?
    /// Smallest share of intervals of 100 ms, from the beginning of the load to its end, with an acknowledged command.
    package var availability: Double?
    /// Everything acknowledged is there, on every node.
    package var nothingLost: Bool
    /// Nothing was done more often than it should.
    package var nothingDoubled: Bool
    /// What was read from registers is explained by one order of all operations.
    package var linearizable: Bool
    /// All replicas have the same state.
    package var digestsEqual: Bool
    /// How long after the load all instances may take to end, in seconds.
    package var finishAll: Double
    /// Signs that operators must be able to see, each at least once on some node.
    package var alarms: [AlarmSign]
    /// While a majority is away, commands are refused with words about the quorum, and stale reads are answered.
    package var refusesWithoutQuorum: Bool
}

/// A sign of trouble for operators.
package enum AlarmSign: Hashable, Sendable, CustomStringConvertible {
    /// A line of a node's log contains this.
    case log(String)
    /// A metric's value is above zero.
    case metric(String)

    package var description: String {
        switch self {
        case .log(let text): "log line with '\(text)'"
        case .metric(let name): "metric \(name) above 0"
        }
    }
}
