import Glibc
import Synchronization

/// The value of the header field `Date` (RFC 9110, section 5.6.7), written once a second.
final class DateHeader: Sendable {
    private struct State {
        var second: Int64 = -1
        var text = ""
    }

    private let state = Mutex(State())

    /// The time of the system's clock.
    var text: String {
        let now = Int64(time(nil))
        return self.state.withLock { state in
            if state.second != now { state = State(second: now, text: DateTime.httpText(now)) }
            return state.text
        }
    }
}

extension DateTime {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// - Parameter seconds: since 1970; not negative, years of four digits.
    static func httpText(_ seconds: Int64) -> String {
        let seconds = max(0, min(seconds, 253_402_300_799))
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = Self.civil(days)
        let time = [rest / 3600, rest / 60 % 60, rest % 60].map(Self.twoDigits).joined(separator: ":")
        // The first of January 1970 was a Thursday.
        let weekday = Self.weekdays[Int(days % 7)]
        return "\(weekday), \(Self.twoDigits(day)) \(Self.months[Int(month) - 1]) \(year) \(time) GMT"
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
