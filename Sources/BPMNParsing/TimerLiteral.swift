import BPMNModel
import FEEL

/// The texts of timers as a model may write them out: only their form is checked here, the engine computes with them.
enum TimerLiteral {
    /// A duration such as `P1Y2M3DT4H5M6.5S`, or `P2W`.
    static func isDuration(_ text: String) -> Bool { TimerInterval(text) != nil }

    /// A date and time with an offset or zone: `2027-01-31T12:00:00Z`, `…+01:00`, `…+01:00[Europe/Berlin]` or
    /// `…@Europe/Berlin`.
    static func isDateTime(_ text: String) -> Bool {
        TimerDateSyntax.hasOffset(text) && FEELDateTime(TimerDateSyntax.normalized(text)) != nil
    }

    /// A repetition, `R/PT1H`, `R5/PT1H` or `R5/2027-01-31T12:00:00Z/PT1H`, or a cron expression such as
    /// `0 0 9 * * MON-FRI` or `@daily`.
    static func isCycle(_ text: String) -> Bool {
        switch TimerCycleSyntax(text) {
        case nil: false
        case .cron: true
        case .repetition(_, let start, _): start.map { self.isDateTime($0) } ?? true
        }
    }
}
