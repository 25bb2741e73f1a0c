import JSON
import ProcessEngine

/// A JSON object of a request: closed (an unknown property is refused), its members read by name and type. The values
/// stay bytes of the body until they are asked for, so variables are never decoded.
struct RequestObject {
    static let empty = RequestObject(bytes: [], members: [], path: "")

    private static let nameListLimit = 10_000
    private static let variableNameLimit = 32_768

    private let bytes: [UInt8]
    private let members: [JSONScanner.Member]
    /// Prefix of the properties' names in messages: empty, or for example "changeset.".
    private let path: String

    private init(bytes: [UInt8], members: [JSONScanner.Member], path: String) {
        self.bytes = bytes
        self.members = members
        self.path = path
    }

    /// - Parameter allowed: names of all properties; nil lets unknown ones pass unread.
    init(_ bytes: [UInt8], allowed: [String]?, depth: Int, path: String = "") throws(Problem) {
        do {
            self.members = try JSONScanner.topLevelMembers(of: bytes, limits: JSONLimits(depth: depth))
        } catch {
            throw Self.malformed(error)
        }
        self.bytes = bytes
        self.path = path
        guard let allowed else { return }
        for member in self.members where !allowed.contains(member.key) {
            guard !allowed.isEmpty else {
                throw .invalid("Expected no properties, but got \(Problem.quoted(path + member.key))")
            }
            let names = allowed.map { "'\($0)'" }.joined(separator: ", ")
            throw .invalid("Expected one of the properties \(names), but got \(Problem.quoted(path + member.key))")
        }
    }

    static func malformed(_ error: JSONError) -> Problem {
        .invalid("The body is malformed at line \(error.line), column \(error.column): \(error.message)")
    }

    // MARK: Members

    /// Where the value of a property stands; nil if it is absent or null.
    private func range(_ name: String) -> Range<Int>? {
        for member in self.members where member.key == name {
            return self.bytes[member.value.lowerBound] == UInt8(ascii: "n") ? nil : member.value
        }
        return nil
    }

    func has(_ name: String) -> Bool { self.range(name) != nil }

    private func mismatch(_ expected: String, _ name: String, _ range: Range<Int>?) -> Problem {
        let found: String
        if let range {
            found = Self.kind(of: self.bytes[range.lowerBound])
        } else {
            found = self.members.contains { $0.key == name } ? "null" : "none"
        }
        return .invalid("Expected \(expected) for '\(self.path)\(name)', but got \(found)")
    }

    private static func kind(of first: UInt8) -> String {
        switch first {
        case UInt8(ascii: "{"): "an object"
        case UInt8(ascii: "["): "an array"
        case UInt8(ascii: "\""): "a string"
        case UInt8(ascii: "t"), UInt8(ascii: "f"): "a boolean"
        case UInt8(ascii: "n"): "null"
        default: "a number"
        }
    }

    // MARK: Scalars

    func string(_ name: String) throws(Problem) -> String? {
        guard let range = self.range(name) else { return nil }
        guard let text = self.string(in: range) else { throw self.mismatch("a string", name, range) }
        return text
    }

    /// A string that must be there and must not be empty.
    func requiredString(_ name: String) throws(Problem) -> String {
        guard let text = try self.string(name) else { throw self.mismatch("a string", name, nil) }
        guard !text.isEmpty else {
            throw .invalid("Expected a string that is not empty for '\(self.path)\(name)', but got an empty one")
        }
        return text
    }

    private func string(in range: Range<Int>) -> String? {
        guard self.bytes[range.lowerBound] == UInt8(ascii: "\"") else { return nil }
        let content = self.bytes[range.lowerBound + 1..<range.upperBound - 1]
        if !content.contains(UInt8(ascii: "\\")) { return String(decoding: content, as: UTF8.self) }
        // The scanner has accepted these bytes, so the parser does.
        return (try? JSONParser.parse(self.bytes[range]))?.stringValue
    }

    func bool(_ name: String) throws(Problem) -> Bool? {
        guard let range = self.range(name) else { return nil }
        switch self.bytes[range.lowerBound] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw self.mismatch("a boolean", name, range)
        }
    }

    /// An integer inside `bounds`.
    func integer<Number: FixedWidthInteger>(
        _ name: String,
        in bounds: ClosedRange<Number> = Number.min...Number.max
    ) throws(Problem) -> Number? {
        guard let range = self.range(name) else { return nil }
        let expected = "an integer from \(bounds.lowerBound) to \(bounds.upperBound)"
        guard Self.kind(of: self.bytes[range.lowerBound]) == "a number" else {
            throw self.mismatch(expected, name, range)
        }
        guard
            let value = (try? JSONParser.parse(self.bytes[range]))?.int64Value,
            let number = Number(exactly: value), bounds.contains(number)
        else {
            let found = Problem.quoted(String(decoding: self.bytes[range].prefix(64), as: UTF8.self))
            throw .invalid("Expected \(expected) for '\(self.path)\(name)', but got \(found)")
        }
        return number
    }

    func requiredInteger<Number: FixedWidthInteger>(
        _ name: String,
        in bounds: ClosedRange<Number>
    ) throws(Problem) -> Number {
        guard let number = try self.integer(name, in: bounds) else {
            throw self.mismatch("an integer from \(bounds.lowerBound) to \(bounds.upperBound)", name, nil)
        }
        return number
    }

    /// A key, which is a string of digits.
    func key(_ name: String) throws(Problem) -> Key? {
        guard let range = self.range(name) else { return nil }
        guard let text = self.string(in: range) else {
            throw self.mismatch("a key (a string of digits)", name, range)
        }
        return try Call.key(text, name: self.path + name)
    }

    // MARK: Lists and objects

    /// An array of strings.
    func strings(_ name: String, limit: Int = nameListLimit) throws(Problem) -> [String]? {
        guard let range = self.range(name) else { return nil }
        guard let elements = (try? JSONParser.parse(self.bytes[range]))?.arrayValue else {
            throw self.mismatch("an array of strings", name, range)
        }
        guard elements.count <= limit else {
            throw .invalid(
                "Expected at most \(limit) elements for '\(self.path)\(name)', but got \(elements.count)"
            )
        }
        var strings: [String] = []
        strings.reserveCapacity(elements.count)
        for element in elements {
            guard let text = element.stringValue else {
                throw .invalid(
                    "Expected an array of strings for '\(self.path)\(name)', but got \(element.kindName) in it"
                )
            }
            strings.append(text)
        }
        return strings
    }

    /// An array of objects.
    func objects(_ name: String, allowed: [String], limit: Int) throws(Problem) -> [RequestObject]? {
        guard let range = self.range(name) else { return nil }
        guard let elements = (try? JSONParser.parse(self.bytes[range]))?.arrayValue else {
            throw self.mismatch("an array of objects", name, range)
        }
        guard elements.count <= limit else {
            throw .invalid(
                "Expected at most \(limit) elements for '\(self.path)\(name)', but got \(elements.count)"
            )
        }
        var objects: [RequestObject] = []
        for (position, element) in elements.enumerated() {
            guard case .object = element else {
                throw .invalid(
                    "Expected an array of objects for '\(self.path)\(name)', but got \(element.kindName) in it"
                )
            }
            let path = "\(self.path)\(name)[\(position)]."
            objects.append(
                try RequestObject(element.serialized(), allowed: allowed, depth: JSONLimits.deepest, path: path)
            )
        }
        return objects
    }

    func object(_ name: String, allowed: [String]?) throws(Problem) -> RequestObject? {
        guard let range = self.range(name) else { return nil }
        guard self.bytes[range.lowerBound] == UInt8(ascii: "{") else {
            throw self.mismatch("an object", name, range)
        }
        return try RequestObject(
            Array(self.bytes[range]),
            allowed: allowed,
            depth: JSONLimits.deepest,
            path: "\(self.path)\(name)."
        )
    }

    func requiredObject(_ name: String, allowed: [String]?) throws(Problem) -> RequestObject {
        guard let object = try self.object(name, allowed: allowed) else {
            throw self.mismatch("an object", name, nil)
        }
        return object
    }

    // MARK: Variables

    /// An object of variables, byte for byte as the client wrote each value.
    func variables(_ name: String = "variables", isRequired: Bool = false) throws(Problem) -> VariableDocument {
        guard let range = self.range(name) else {
            if isRequired { throw self.mismatch("an object", name, nil) }
            return VariableDocument()
        }
        guard self.bytes[range.lowerBound] == UInt8(ascii: "{") else {
            throw self.mismatch("an object", name, range)
        }
        let document = Array(self.bytes[range])
        let members: [JSONScanner.Member]
        do {
            members = try JSONScanner.topLevelMembers(of: document, limits: JSONLimits(depth: JSONLimits.deepest))
        } catch {
            throw Self.malformed(error)
        }
        var entries: [VariableDocument.Entry] = []
        entries.reserveCapacity(members.count)
        for member in members {
            guard !member.key.isEmpty, member.key.utf8.count <= Self.variableNameLimit else {
                throw .invalid(
                    "Expected names of 1 to \(Self.variableNameLimit) bytes in '\(self.path)\(name)', "
                        + "but got one of \(member.key.utf8.count)"
                )
            }
            entries.append(VariableDocument.Entry(name: member.key, value: Array(document[member.value])))
        }
        return VariableDocument(entries)
    }
}
