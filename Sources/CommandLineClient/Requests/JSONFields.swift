import JSON

/// The members of a JSON object being built; an absent value leaves its member out.
struct JSONFields: Equatable, Sendable {
    private var object = JSONObject()

    /// Sets a member once; nil leaves it out.
    subscript(name: String) -> JSONValue? {
        get { self.object[name] }
        set {
            guard let newValue else { return }
            self.object.set(name, newValue)
        }
    }

    var isEmpty: Bool { self.object.isEmpty }
    var value: JSONValue { .object(self.object) }
}

extension JSONValue {
    static func integer(_ value: Int) -> JSONValue { .int(Int64(value)) }

    /// The member of that name; nil where it is absent or null, or where this is no object.
    func member(_ name: String) -> JSONValue? {
        guard let value = self.objectValue?[name], !value.isNull else { return nil }
        return value
    }

    /// A member's string, or the empty one.
    func text(_ name: String) -> String { self.member(name)?.stringValue ?? "" }

    /// A member's whole number as text, or the empty one.
    func digits(_ name: String) -> String { self.member(name)?.integerValue.map { String($0) } ?? "" }

    var integerValue: Int? { self.int64Value.map { Int($0) } }
    var isObject: Bool { self.objectValue != nil }

    /// The value on one line.
    var compactText: String { String(decoding: self.serialized(), as: UTF8.self) }
}

/// Reading JSON that came from the user, a command or the server.
enum JSONText {
    /// Reads one document; the failure's message says where the text went wrong.
    static func parse(_ bytes: [UInt8]) throws(ClientFailure) -> JSONValue {
        do {
            return try JSONParser.parse(bytes)
        } catch {
            throw .usage(error.description)
        }
    }

    /// Reads a JSON object, as variables are; `source` names where it came from.
    static func object(_ bytes: [UInt8], from source: String) throws(ClientFailure) -> JSONValue {
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw .usage("Expected a JSON object in \(source), but got no JSON: \(error.description)")
        }
        guard value.isObject else {
            throw .usage("Expected a JSON object in \(source), but got \(value.kindName)")
        }
        return value
    }
}
