import Testing

@testable import thalweg_bench

@Suite
struct EtcdTests {
    private static let report = """
        starting benchmark...
        Application protocol: h2c

        finished in 3.07s, 6682.67 req/s, 616.47KB/s
        requests: 20048 total, 20112 started, 20048 done, 20048 succeeded, 0 failed, 0 errored, 0 timeout
        status codes: 20048 2xx, 0 3xx, 0 4xx, 0 5xx
        time for request:     1.16ms     28.59ms      9.15ms      3.64ms    80.87%
        """

    @Test func `the rate of h2load is read`() throws {
        let puts = try #require(EtcdCluster.parse(Self.report))

        #expect(puts.count == 20_048)
        #expect(puts.perSecond == 6_682.67)
        #expect(abs(puts.meanMicroseconds - 9_150) < 0.001)
    }

    @Test(arguments: [("0 failed", "3 failed"), ("0 errored", "1 errored"), ("0 timeout", "2 timeout")])
    func `a report with failures counts for nothing`(text: String, failure: String) {
        let report = Self.report.replacing(text, with: failure)

        #expect(EtcdCluster.parse(report) == nil)
    }

    @Test(arguments: ["", "finished in 3.07s, 6682.67 req/s", "finished in", "requests: 5 succeeded"])
    func `half a report counts for nothing`(text: String) {
        #expect(EtcdCluster.parse(text) == nil)
    }

    @Test func `a put is one gRPC message with its key and its value`() {
        let bytes = EtcdCluster.putRequest()

        let message = bytes.dropFirst(5)
        #expect(bytes[0] == 0)
        #expect(bytes[1...4].reduce(0) { $0 << 8 | Int($1) } == message.count)
        #expect(Array(message.prefix(2)) == [0x0A, 8])
        #expect(Array(message.dropFirst(10).prefix(3)) == [0x12, 0x80, 0x02])
        #expect(message.dropFirst(13).count == 256)
    }
}
