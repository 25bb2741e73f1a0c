/// What a text needs before it may be shown on a terminal: control characters out, width known, length bounded.
///
/// Everything a server answers is somebody's input; an escape sequence in a variable must not repaint the operator's
/// screen.
enum TerminalText {
    /// `text` with every control character (and the invisible direction marks) replaced by a space.
    static func sanitized(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Self.isUnsafe) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(Self.isUnsafe(scalar) ? " " : scalar)
        }
        return String(result)
    }

    /// Like ``sanitized(_:)``, but keeps line feeds and tabs: for documents and messages of several lines.
    static func sanitizedLines(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isKept = scalar == "\n" || scalar == "\t" || !Self.isUnsafe(scalar)
            result.append(isKept ? scalar : " ")
        }
        return String(result)
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<32, 127..<160: true
        case 0x200E, 0x200F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The number of terminal columns `text` takes: 2 for East Asian wide characters and emoji, 0 for combining marks.
    static func width(of text: String) -> Int {
        var total = 0
        for character in text {
            total += Self.width(of: character)
        }
        return total
    }

    private static func width(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.properties.isEmojiPresentation { return 2 }
        switch first.value {
        case 0..<0x300: return 1
        case 0x300...0x36F, 0x200B...0x200D, 0xFE00...0xFE0F: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3: return 2
        case 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6: return 2
        case 0x1F300...0x1FAFF, 0x20000...0x3FFFD: return 2
        default: return 1
        }
    }

    /// `text` cut to at most `columns`, the last column then being `…`.
    static func truncated(_ text: String, to columns: Int) -> String {
        guard Self.width(of: text) > columns else { return text }
        guard columns > 0 else { return "" }
        var result = ""
        var used = 0
        for character in text {
            let width = Self.width(of: character)
            guard used + width < columns else { break }
            result.append(character)
            used += width
        }
        return result + "…"
    }

    /// `text` filled up with spaces to `columns`, or unchanged when it is as wide already.
    static func padded(_ text: String, to columns: Int, isRight: Bool = false) -> String {
        let missing = columns - Self.width(of: text)
        guard missing > 0 else { return text }
        let fill = String(repeating: " ", count: missing)
        return isRight ? fill + text : text + fill
    }

    /// A whole number with a comma between thousands.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var result = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return result
    }

    /// A date-time of the API cut to whole seconds and without the `T`: `2026-03-01 12:00:00Z`.
    ///
    /// Anything that does not look like a date-time is shown as it came.
    static func timestamp(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45, bytes[10] == 84, bytes[13] == 58 else {
            return Self.sanitized(text)
        }
        var zone = bytes[19...]
        if zone.first == 46 {
            zone = zone.dropFirst().drop { $0 >= 48 && $0 <= 57 }
        }
        let shown = bytes[..<10] + [32] + bytes[11..<19] + zone
        return Self.sanitized(String(decoding: shown, as: UTF8.self))
    }
}
