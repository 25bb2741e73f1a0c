/// Decides which refusals are logged: each one that is new, and the same again only every ten seconds, with the number
/// of times it happened meanwhile. A peer that dials again and again must not fill the log.
struct RefusalLog {
    private struct Key: Hashable {
        var code: Refusal.Code
        var who: String
    }

    private struct Seen {
        var loggedAt: UInt64
        var silent = 0
    }

    private static let repeatMilliseconds: UInt64 = 10_000
    private static let longestList = 256
    private var seen: [Key: Seen] = [:]

    /// How many refusals a line now stands for; zero when none is to be written.
    mutating func note(_ code: Refusal.Code, of who: String, at now: UInt64) -> Int {
        let key = Key(code: code, who: who)
        guard var entry = self.seen[key] else {
            if self.seen.count >= Self.longestList {
                self.seen = self.seen.filter { now &- $0.value.loggedAt < Self.repeatMilliseconds }
            }
            // Very many strangers at once: then even a first line would be one too many.
            guard self.seen.count < Self.longestList else { return 0 }
            self.seen[key] = Seen(loggedAt: now)
            return 1
        }
        entry.silent += 1
        defer { self.seen[key] = entry }
        guard now &- entry.loggedAt >= Self.repeatMilliseconds else { return 0 }
        let times = entry.silent
        entry = Seen(loggedAt: now)
        return times
    }
}
