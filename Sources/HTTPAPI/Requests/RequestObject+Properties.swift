import ProcessEngine

/// Properties that several requests have, with their documented limits.
extension RequestObject {
    private static let tenantIDLengthLimit = 31
    private static let tagCountLimit = 10
    private static let tagLengthLimit = 100
    private static let businessIDLengthLimit = 256

    /// `^(<default>|[\w.\-]{1,31})$`; the default tenant if absent.
    func tenantID(_ name: String = "tenantId") throws(Problem) -> String {
        guard let text = try self.string(name) else { return defaultTenantID }
        return try Self.checkedTenantID(text)
    }

    static func checkedTenantID(_ text: String) throws(Problem) -> String {
        if text == defaultTenantID { return text }
        let isValid = text.utf8.allSatisfy { Self.isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
        guard isValid, (1...Self.tenantIDLengthLimit).contains(text.utf8.count) else {
            throw .invalid(
                "Expected a tenant id ('\(defaultTenantID)', or 1 to \(Self.tenantIDLengthLimit) letters, digits, "
                    + "'_', '.' or '-'), but got \(Problem.quoted(text))"
            )
        }
        return text
    }

    /// At most 10 tags of `^[A-Za-z][A-Za-z0-9_\-:.]{0,99}$`.
    func tags(_ name: String = "tags") throws(Problem) -> [String] {
        guard let tags = try self.strings(name) else { return [] }
        guard tags.count <= Self.tagCountLimit else {
            throw .invalid("Expected at most \(Self.tagCountLimit) elements for '\(name)', but got \(tags.count)")
        }
        for tag in tags { try Self.checkTag(tag) }
        return tags
    }

    static func checkTag(_ tag: String) throws(Problem) {
        let first = tag.utf8.first ?? 0
        let isValid =
            Self.isLetter(first) && tag.utf8.count <= Self.tagLengthLimit
            && tag.utf8.allSatisfy { Self.isWord($0) || "-:.".utf8.contains($0) }
        guard isValid else {
            throw .invalid(
                "Expected a tag (a letter, then up to \(Self.tagLengthLimit - 1) letters, digits, '_', '-', ':' or "
                    + "'.'), but got \(Problem.quoted(tag))"
            )
        }
    }

    /// 1 to 256 characters; nil if absent.
    func businessID(_ name: String = "businessId") throws(Problem) -> String? {
        guard let text = try self.string(name) else { return nil }
        guard (1...Self.businessIDLengthLimit).contains(text.unicodeScalars.count) else {
            throw .invalid(
                "Expected 1 to \(Self.businessIDLengthLimit) characters for '\(name)', "
                    + "but got \(text.unicodeScalars.count)"
            )
        }
        return text
    }

    /// Checked and dropped: operations cannot be referred to yet.
    func checkOperationReference() throws(Problem) {
        _ = try self.integer("operationReference", in: 1...Int64.max)
    }

    /// Refuses a property that is documented but has no effect here, rather than ignoring what the client relies on.
    func refuse(_ name: String) throws(Problem) {
        guard self.has(name) else { return }
        throw .invalid("The property '\(name)' is not supported by this version of Thalweg")
    }

    /// One of the given words; nil if absent.
    func word(_ name: String, of words: [String]) throws(Problem) -> String? {
        guard let text = try self.string(name) else { return nil }
        guard words.contains(text) else {
            let list = words.map { "'\($0)'" }.joined(separator: ", ")
            throw .invalid("Expected one of \(list) for '\(name)', but got \(Problem.quoted(text))")
        }
        return text
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        Self.isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
    }
}
