#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Points in time as certificates have them: whole seconds since 1970.
package enum UTCTime {
    /// The machine's clock.
    package static func now() -> Int64 { Int64(time(nil)) }

    /// Like `2027-11-22T03:39:24Z`.
    package static func text(_ seconds: Int64) -> String {
        var input = time_t(seconds)
        var fields = tm()
        guard gmtime_r(&input, &fields) != nil else { return "\(seconds) s" }
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &fields)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
