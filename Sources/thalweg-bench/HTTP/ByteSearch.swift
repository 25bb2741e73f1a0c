import Glibc

/// Finds short patterns in answers without building a tree of them: the generator shares its cores with the server.
enum ByteSearch {
    /// The position of the first occurrence of `pattern` at or behind `start`, or nil.
    static func first(_ pattern: StaticString, in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        let length = pattern.utf8CodeUnitCount
        guard let base = bytes.baseAddress, length > 0 else { return nil }
        var position = start
        while position + length <= bytes.count {
            let range = bytes.count - length - position + 1
            guard let hit = memchr(base + position, Int32(pattern.utf8Start[0]), range) else { return nil }
            position = UnsafeRawPointer(hit) - base
            if memcmp(base + position, pattern.utf8Start, length) == 0 { return position }
            position += 1
        }
        return nil
    }

    /// Calls `visit` with every integer that follows `pattern`, for example each key behind `"jobKey":"`. A quote
    /// inside of a JSON string is escaped, so a pattern that begins and ends with one matches members alone.
    static func integers(
        after pattern: StaticString,
        in bytes: UnsafeRawBufferPointer,
        _ visit: (Int64) -> Void
    ) {
        var position = 0
        while let hit = Self.first(pattern, in: bytes, from: position) {
            position = hit + pattern.utf8CodeUnitCount
            var value: Int64 = 0
            var digits = 0
            while position < bytes.count, digits < 18 || digits == 18 && value < 900_000_000_000_000_000 {
                let digit = bytes[position] &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                value = value * 10 + Int64(digit)
                digits += 1
                position += 1
            }
            if digits > 0 { visit(value) }
        }
    }
}
