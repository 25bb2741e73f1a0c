import Foundation

/// Numbers for people.
enum Figures {
    /// Seconds as `12 ms` or `1.25 s`.
    static func milliseconds(_ seconds: Double) -> String {
        if seconds < 0.0995 { return String(format: "%.1f ms", seconds * 1_000) }
        return seconds < 9.9995 ? String(format: "%.0f ms", seconds * 1_000) : String(format: "%.1f s", seconds)
    }

    static func seconds(_ seconds: Double) -> String { String(format: "%.1f s", seconds) }

    static func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

    static func bytes(_ count: UInt64) -> String { String(format: "%.1f MiB", Double(count) / 1_048_576) }
}
