/// ISO 8601 texts of timers: only their form is checked here, the engine computes with them.
enum TimerLiteral {
    /// A duration such as `P1Y2M3DT4H5M6.5S`, or `P2W`.
    static func isDuration(_ text: String) -> Bool {
        var scanner = Scanner(text)
        return scanner.duration() && scanner.isAtEnd
    }

    /// A date and time with an offset or zone: `2027-01-31T12:00:00Z`, `…+01:00`, `…+01:00[Europe/Berlin]` or
    /// `…@Europe/Berlin`.
    static func isDateTime(_ text: String) -> Bool {
        var scanner = Scanner(text)
        return scanner.dateTime() && scanner.isAtEnd
    }

    /// A repetition: `R/PT1H`, `R5/PT1H`, `R5/2027-01-31T12:00:00Z/PT1H`.
    static func isCycle(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let head = parts.first, head.first == "R", let interval = parts.last, parts.count >= 2 else {
            return false
        }
        let count = head.dropFirst()
        guard count.isEmpty || (count.utf8.allSatisfy(Scanner.isDigit) && Int32(count) != nil),
            self.isDuration(String(interval))
        else { return false }
        // A zone such as `Europe/Berlin` has a slash of its own.
        let start = parts.dropFirst().dropLast().joined(separator: "/")
        return parts.count == 2 || self.isDateTime(start)
    }

    /// Whether the author meant a cron expression: six fields, or a name such as `@daily`.
    static func looksLikeCron(_ text: String) -> Bool {
        text.hasPrefix("@") || text.split(separator: " ").count >= 5
    }

    private struct Scanner {
        private let bytes: [UInt8]
        private var next = 0

        init(_ text: String) {
            self.bytes = Array(text.utf8)
        }

        var isAtEnd: Bool { self.next == self.bytes.count }

        static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

        private func peek() -> UInt8? { self.next < self.bytes.count ? self.bytes[self.next] : nil }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard self.peek() == UInt8(ascii: character) else { return false }
            self.next += 1
            return true
        }

        /// A number of one to nine digits, so that no reader of it can overflow.
        private mutating func number() -> Int? {
            var value = 0
            var count = 0
            while let byte = self.peek(), Self.isDigit(byte), count < 10 {
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                count += 1
                self.next += 1
            }
            return (1...9).contains(count) ? value : nil
        }

        private mutating func fixedNumber(digits: Int, in range: ClosedRange<Int>) -> Int? {
            let start = self.next
            guard let value = self.number(), self.next - start == digits, range.contains(value) else { return nil }
            return value
        }

        mutating func duration() -> Bool {
            _ = self.take("-")
            guard self.take("P") else { return false }
            if self.fields(["W"]) > 0 { return true }
            let days = self.fields(["Y", "M", "D"])
            guard self.take("T") else { return days > 0 }
            return self.fields(["H", "M", "S"]) > 0
        }

        /// Numbers with the given units in this order, each at most once.
        /// - Returns: how many there are.
        private mutating func fields(_ units: [Unicode.Scalar]) -> Int {
            var count = 0
            for unit in units {
                let start = self.next
                guard self.number() != nil else {
                    self.next = start
                    continue
                }
                if unit == "S", self.take("."), self.number() == nil {
                    self.next = start
                    return count
                }
                if self.take(unit) {
                    count += 1
                } else {
                    self.next = start
                }
            }
            return count
        }

        mutating func dateTime() -> Bool {
            guard let year = self.fixedNumber(digits: 4, in: 0...9999), self.take("-"),
                let month = self.fixedNumber(digits: 2, in: 1...12), self.take("-"),
                self.fixedNumber(digits: 2, in: 1...Self.days(of: month, in: year)) != nil, self.take("T"),
                self.time()
            else { return false }
            if self.take("@") { return self.zone() }
            guard self.take("Z") || self.offset() else { return false }
            if self.take("[") { return self.zone() && self.take("]") }
            return true
        }

        private mutating func time() -> Bool {
            guard self.fixedNumber(digits: 2, in: 0...23) != nil, self.take(":"),
                self.fixedNumber(digits: 2, in: 0...59) != nil
            else { return false }
            guard self.take(":") else { return true }
            guard self.fixedNumber(digits: 2, in: 0...59) != nil else { return false }
            return !self.take(".") || self.number() != nil
        }

        private mutating func offset() -> Bool {
            guard self.take("+") || self.take("-") else { return false }
            return self.fixedNumber(digits: 2, in: 0...18) != nil && self.take(":")
                && self.fixedNumber(digits: 2, in: 0...59) != nil
        }

        private mutating func zone() -> Bool {
            let start = self.next
            while let byte = self.peek(), self.next - start < 64, Self.isZoneByte(byte) {
                self.next += 1
            }
            return self.next > start
        }

        private static func isZoneByte(_ byte: UInt8) -> Bool {
            let letter = byte | 0x20
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) || Self.isDigit(byte)
                || "/_+-".utf8.contains(byte)
        }

        private static func days(of month: Int, in year: Int) -> Int {
            switch month {
            case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        }
    }
}
