import FEEL
import JSON

/// Between the stored form of a variable (JSON text) and the values of expressions.
enum VariableConversion {
    /// The value of a stored variable. Numbers keep up to 34 digits.
    static func value(of json: [UInt8]) throws -> FEELValue {
        if let simple = simpleValue(json) { return simple }
        do {
            return value(of: try JSONParser.parse(json))
        } catch {
            throw EngineFault("Expected a variable with one JSON value, but got: \(error)")
        }
    }

    /// The common short values without a parser.
    private static func simpleValue(_ json: [UInt8]) -> FEELValue? {
        switch json.first {
        case UInt8(ascii: "t") where json.count == 4: .boolean(true)
        case UInt8(ascii: "f") where json.count == 5: .boolean(false)
        case UInt8(ascii: "n") where json.count == 4: .null
        default: nil
        }
    }

    static func value(of json: JSONValue) -> FEELValue {
        switch json {
        case .null: .null
        case .bool(let flag): .boolean(flag)
        case .number(let number): Decimal(number.text).map { .number($0) } ?? .null
        case .string(let text): .string(text)
        case .array(let items): .list(items.map { value(of: $0) })
        case .object(let object): .context(FEELContext(object.members.map { ($0.key, value(of: $0.value)) }))
        }
    }

    /// The stored form of a value. What JSON cannot hold becomes text: dates, times, durations in ISO-8601; functions
    /// become null.
    static func json(of value: FEELValue) -> [UInt8] {
        var writer = JSONWriter()
        write(value, to: &writer)
        return writer.bytes
    }

    private static func write(_ value: FEELValue, to writer: inout JSONWriter) {
        switch value {
        case .null, .function: writer.null()
        case .boolean(let flag): writer.bool(flag)
        case .number(let number): writer.raw(number.description.utf8)
        case .string(let text): writer.string(text)
        case .list(let items):
            writer.beginArray()
            for item in items { write(item, to: &writer) }
            writer.endArray()
        case .context(let context):
            writer.beginObject()
            for entry in context.entries {
                writer.key(entry.key)
                write(entry.value, to: &writer)
            }
            writer.endObject()
        case .range(let range): writer.string("\(range)")
        case .date(let date): writer.string(date.description)
        case .time(let time): writer.string(time.description)
        case .dateTime(let dateTime): writer.string(dateTime.description)
        case .daysTimeDuration(let duration): writer.string(duration.description)
        case .yearsMonthsDuration(let duration): writer.string(duration.description)
        }
    }

    /// The document as one JSON object.
    package static func object(_ document: VariableDocument) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for entry in document.entries {
            writer.key(entry.name)
            writer.raw(entry.value)
        }
        writer.endObject()
        return writer.bytes
    }

    /// A JSON object of strings.
    static func object(_ headers: [(String, String)]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (key, value) in headers { writer.member(key, value) }
        writer.endObject()
        return writer.bytes
    }
}
