import Foundation

/// Points in time as certificates have them: whole seconds since 1970.
package enum UTCTime {
    /// The machine's clock.
    package static func now() -> Int64 { Int64(Date().timeIntervalSince1970) }

    /// Like `2027-11-22T03:39:24Z`.
    package static func text(_ seconds: Int64) -> String {
        // The calendar of the library, not the C structure: several C modules declare that one.
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}
