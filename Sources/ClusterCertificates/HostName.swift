#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A name or address under which a node is reached.
package struct HostName: Hashable, Sendable, CustomStringConvertible {
    /// How many of them one certificate may carry.
    package static let countLimit = 32

    enum Form: Hashable, Sendable {
        case name(String)
        /// 4 or 16 bytes, most significant first.
        case address([UInt8])
    }

    let form: Form

    /// Checks a DNS name (letters, digits and hyphens; no wildcards), an IPv4 or an IPv6 address.
    package init(_ text: String) throws(CertificateError) {
        if let bytes = HostName.addressBytes(text) {
            form = .address(bytes)
            return
        }
        let name = text.lowercased()
        guard HostName.isName(name) else {
            throw .input(
                "Expected a host name or an IP address without a port, like db1.example.com or 10.0.0.1, but got "
                    + "'\(text.prefix(80))'"
            )
        }
        form = .name(name)
    }

    init?(addressBytes: [UInt8]) {
        guard addressBytes.count == 4 || addressBytes.count == 16 else { return nil }
        form = .address(addressBytes)
    }

    package var description: String {
        switch form {
        case .name(let name): return name
        case .address(let bytes):
            var buffer = [CChar](repeating: 0, count: 64)
            let family = bytes.count == 4 ? AF_INET : AF_INET6
            guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    private static func addressBytes(_ text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }

    private static func isName(_ name: String) -> Bool {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let hyphen = UInt8(ascii: "-")
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let isWellFormed = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy {
                    isDigit($0) || $0 == hyphen || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                }
        }
        // What ends in a number is an address, and a wrong one, else it would have been read as such (RFC 1123, 2.1).
        return name.utf8.count <= 253 && isWellFormed && !(labels.last?.allSatisfy(isDigit) ?? true)
    }
}
