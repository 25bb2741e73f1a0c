/// Where a node is reached by the other nodes: `host:port`, the host being a DNS name, an IPv4 address, or an IPv6
/// address in brackets.
package struct NodeAddress: Hashable, Sendable, CustomStringConvertible {
    /// Longer texts are refused; a DNS name has at most 253 bytes.
    package static let byteLimit = 256

    /// Without brackets.
    package let host: String
    /// 1 to 65535.
    package let port: Int

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Nil when the text is no such address. Whether the host exists is not asked.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.byteLimit, let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...].utf8
        let isNumber = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, (1...5).contains(digits.count), digits.first != UInt8(ascii: "0"),
            let port = Int(text[text.index(after: colon)...]), port <= 65_535
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
            guard host.utf8.contains(UInt8(ascii: ":")), host.utf8.allSatisfy(Self.isAddressByte) else { return nil }
        } else {
            guard Self.isName(host.utf8) else { return nil }
        }
        self.host = host.lowercased()
        self.port = port
    }

    /// Hexadecimal digits, colons, and the dots of an embedded IPv4 address.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Labels of letters, digits and hyphens (RFC 1123, 2.1), which IPv4 addresses are, too.
    private static func isName(_ name: some Collection<UInt8>) -> Bool {
        guard (1...253).contains(name.count) else { return false }
        return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            guard (1...63).contains(label.count), label.first != UInt8(ascii: "-") else { return false }
            var last: UInt8 = 0
            for byte in label {
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    last = byte
                default: return false
                }
            }
            return last != UInt8(ascii: "-")
        }
    }
}
