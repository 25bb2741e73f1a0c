/// What the last pings tell about the way to a peer and its clock. The shortest round trip bounds the error best.
struct ClockSamples: Hashable, Sendable {
    struct Sample: Hashable, Sendable {
        /// In microseconds.
        var roundTrip: Int64
        /// How far the peer's clock is ahead, in microseconds; wrong by half the round trip at most.
        var offset: Int64
    }

    private static let kept = 8
    private var samples: [Sample] = []

    /// Adds a ping's times: ours in microseconds at sending and at receiving, and the peer's in between.
    mutating func add(roundTrip: Int64, sentAt: Int64, peerAt: Int64) {
        let (offset, overflow) = peerAt.subtractingReportingOverflow(sentAt)
        guard !overflow, roundTrip >= 0 else { return }
        if self.samples.count == Self.kept { self.samples.removeFirst() }
        let (middle, tooFar) = offset.subtractingReportingOverflow(roundTrip / 2)
        if !tooFar { self.samples.append(Sample(roundTrip: roundTrip, offset: middle)) }
    }

    mutating func reset() { self.samples = [] }

    var best: Sample? { self.samples.min { $0.roundTrip < $1.roundTrip } }
}
