import Glibc

/// How fast the disk makes one small overwrite durable: the limit of any log that syncs.
enum RawDisk {
    private static let fileBytes = 64 << 20

    /// Overwrites blocks of a preallocated, zero-filled file in order, with fdatasync after each.
    static func run(
        path: String,
        seconds: Double,
        blockBytes: Int = 4096
    ) throws -> (callsPerSecond: Double, histogram: LatencyHistogram) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw BenchError.system("make '\(path)'") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let code = posix_fallocate(descriptor, 0, Self.fileBytes)
        guard code == 0 else { throw BenchError.system("preallocate '\(path)'", code) }
        // Written once, so that the measured writes change neither size nor extents.
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<(Self.fileBytes / zeros.count) { try Files.write(zeros, to: descriptor, path) }
        guard fsync(descriptor) == 0 else { throw BenchError.system("sync '\(path)'") }

        let block = (0..<blockBytes).map { UInt8(truncatingIfNeeded: $0) }
        var histogram = LatencyHistogram()
        var position = 0
        let start = monotonicNanoseconds()
        let end = start + .nanoseconds(seconds: seconds)
        var now = start
        while now < end {
            try Interruption.check()
            let written = block.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, position) }
            guard written == block.count else { throw BenchError.system("write '\(path)'") }
            let before = monotonicNanoseconds()
            guard fdatasync(descriptor) == 0 else { throw BenchError.system("sync '\(path)'") }
            now = monotonicNanoseconds()
            histogram.record(now - before)
            position += blockBytes
            if position + blockBytes > Self.fileBytes { position = 0 }
        }
        return (Double(histogram.count) / (now - start).seconds, histogram)
    }
}
