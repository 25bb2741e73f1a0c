/// Counts durations in buckets whose width is below 1 % of their value, so that recording costs a few instructions and
/// memory does not grow.
struct LatencyHistogram {
    /// Each power of two has 2^7 buckets.
    private static let precisionBits = 7
    private static let bucketsPerPower = 1 << Self.precisionBits
    /// Longer durations (some 73 minutes) count as this one.
    private static let longest: UInt64 = (1 << 42) - 1

    private var counts = [Int](repeating: 0, count: (43 - Self.precisionBits) * Self.bucketsPerPower)
    private(set) var count = 0
    /// The longest duration in nanoseconds, exactly.
    private(set) var max: UInt64 = 0

    /// Counts one duration in nanoseconds.
    mutating func record(_ nanoseconds: UInt64) {
        self.counts[Self.bucket(min(nanoseconds, Self.longest))] += 1
        self.count += 1
        if nanoseconds > self.max { self.max = nanoseconds }
    }

    /// The duration in nanoseconds that the share `quantile` of all does not exceed; 0 if nothing was counted.
    func quantile(_ quantile: Double) -> UInt64 {
        guard self.count > 0 else { return 0 }
        let rank = Swift.max(1, Int((quantile * Double(self.count)).rounded(.up)))
        var seen = 0
        for (bucket, count) in self.counts.enumerated() where count > 0 {
            seen += count
            if seen >= rank { return min(Self.middle(of: bucket), self.max) }
        }
        return self.max
    }

    var median: UInt64 { self.quantile(0.5) }
    var p99: UInt64 { self.quantile(0.99) }

    /// Small values have a bucket each; above, the highest bits choose it.
    private static func bucket(_ value: UInt64) -> Int {
        guard value >= Self.bucketsPerPower else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - Self.precisionBits
        return shift * Self.bucketsPerPower + Int(value >> UInt64(shift))
    }

    private static func middle(of bucket: Int) -> UInt64 {
        guard bucket >= 2 * Self.bucketsPerPower else { return UInt64(bucket) }
        let shift = bucket / Self.bucketsPerPower - 1
        let top = UInt64(bucket - shift * Self.bucketsPerPower)
        return top << UInt64(shift) + (1 << UInt64(shift)) / 2
    }
}
