/// Turns checked source text of strings into what it stands for.
enum JSONStringDecoding {
    @inline(__always)
    static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// The string a token stands for. `scratch` only saves allocations.
    @inline(__always)
    static func string(_ token: JSONStringToken, in bytes: JSONBytes, scratch: inout [UInt8]) -> String {
        guard token.hasEscapes else { return String(decoding: bytes.slice(token.range), as: UTF8.self) }
        scratch.removeAll(keepingCapacity: true)
        Self.appendDecoded(token.range, of: bytes, to: &scratch)
        return String(decoding: scratch, as: UTF8.self)
    }

    /// Appends the UTF-8 of the checked text in `range`.
    static func appendDecoded(_ range: Range<Int>, of bytes: JSONBytes, to output: inout [UInt8]) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let byte = bytes[offset]
            guard byte == UInt8(ascii: "\\") else {
                output.append(byte)
                offset += 1
                continue
            }
            let escape = bytes[offset + 1]
            offset += 2
            guard escape == UInt8(ascii: "u") else {
                output.append(Self.unescaped(escape))
                continue
            }
            var scalar = Self.unit(at: offset, of: bytes)
            offset += 4
            if scalar & 0xFC00 == 0xD800 {
                scalar = 0x10000 + (scalar & 0x3FF) << 10 + Self.unit(at: offset + 2, of: bytes) & 0x3FF
                offset += 6
            }
            Self.append(scalar, to: &output)
        }
    }

    private static func unescaped(_ escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }

    private static func unit(at offset: Int, of bytes: JSONBytes) -> UInt32 {
        var unit: UInt32 = 0
        for position in 0..<4 {
            unit = unit << 4 | UInt32(Self.hexadecimalDigit(bytes[offset + position]) ?? 0)
        }
        return unit
    }

    private static func append(_ scalar: UInt32, to output: inout [UInt8]) {
        switch scalar {
        case 0..<0x80:
            output.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            output.append(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
            output.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        case 0x800..<0x10000:
            output.append(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
            output.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 6 & 0x3F))
            output.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        default:
            output.append(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18))
            output.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 12 & 0x3F))
            output.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 6 & 0x3F))
            output.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        }
    }
}
