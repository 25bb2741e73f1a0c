import NIOHTTP1
import Synchronization

/// Counts requests by route and class of status. Labels come from the route table alone, so their number is bounded.
final class HTTPMetrics: Sendable {
    /// Upper bounds of the duration buckets in microseconds.
    private static let bounds: [UInt64] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
        60_000_000,
    ]

    private struct Series: Sendable {
        /// By the first digit of the status, 1 to 5.
        var classes: [UInt64] = Array(repeating: 0, count: 6)
        /// By the position in `bounds`; the last one has none.
        var buckets: [UInt64] = Array(repeating: 0, count: HTTPMetrics.bounds.count + 1)
        var microseconds: UInt64 = 0
    }

    private let labels: [String]
    private let series: Mutex<[Series]>

    /// - Parameter routes: the routes in the order in which they are counted; one more takes whatever matches none.
    init(routes: [Route]) {
        self.labels =
            routes.map { "method=\"\($0.method.rawValue)\",route=\"\($0.pattern)\"" } + ["method=\"other\",route=\"\""]
        self.series = Mutex(Array(repeating: Series(), count: routes.count + 1))
    }

    /// - Parameter route: the route's position, nil if none was found.
    func count(route: Int?, status: Int, duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = UInt64(clamping: seconds) * 1_000_000 + UInt64(clamping: attoseconds / 1_000_000_000_000)
        let bucket = Self.bounds.firstIndex { microseconds <= $0 } ?? Self.bounds.count
        let statusClass = max(1, min(status / 100, 5))
        let position = route ?? self.labels.count - 1
        self.series.withLock { series in
            series[position].classes[statusClass] &+= 1
            series[position].buckets[bucket] &+= 1
            series[position].microseconds &+= microseconds
        }
    }

    /// The counters in the Prometheus text format; routes that were never asked for are left out.
    func text() -> String {
        let series = self.series.withLock { $0 }
        var requests = "# TYPE thalweg_http_requests_total counter\n"
        var durations = "# TYPE thalweg_http_request_duration_seconds histogram\n"
        for (label, series) in zip(self.labels, series) {
            let total = series.buckets.reduce(0, &+)
            guard total > 0 else { continue }
            for (statusClass, count) in series.classes.enumerated() where count > 0 {
                requests += "thalweg_http_requests_total{\(label),status=\"\(statusClass)xx\"} \(count)\n"
            }
            let name = "thalweg_http_request_duration_seconds"
            var sum: UInt64 = 0
            for (bound, count) in zip(Self.bounds, series.buckets) {
                sum &+= count
                durations += "\(name)_bucket{\(label),le=\"\(Double(bound) / 1_000_000)\"} \(sum)\n"
            }
            durations += "\(name)_bucket{\(label),le=\"+Inf\"} \(total)\n"
            durations += "\(name)_sum{\(label)} \(Double(series.microseconds) / 1_000_000)\n"
            durations += "\(name)_count{\(label)} \(total)\n"
        }
        return requests + durations
    }
}
