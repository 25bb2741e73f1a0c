/// Any JSON value as a tree. For bytes that are only stored and passed on, `JSONScanner` is cheaper.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// An object with the given members; a key that comes again replaces the earlier value.
    package init(members: KeyValuePairs<String, JSONValue>) {
        var object = JSONObject()
        for member in members { object.set(member.key, member.value) }
        self = .object(object)
    }

    package static func int(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }

    package var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    package var numberValue: JSONNumber? {
        guard case .number(let value) = self else { return nil }
        return value
    }

    /// The value of a number that is an integer and fits; see `JSONNumber.int64`.
    package var int64Value: Int64? { self.numberValue?.int64 }

    package var stringValue: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    package var arrayValue: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    package var objectValue: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    package var isNull: Bool { self == .null }

    /// The kind's name for error messages: "an object", "a number", …
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The shortest text of the value: no white space, nothing escaped that need not be.
    package func serialized() -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// The text with one member a line, indented by two spaces.
    package func serializedPretty() -> [UInt8] {
        var writer = JSONWriter(layout: .pretty)
        writer.value(self)
        return writer.bytes
    }
}
