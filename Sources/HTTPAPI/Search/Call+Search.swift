import Gateway
import JSON
import ProcessEngine

/// Searches and single rows.
extension Call {
    /// Runs a query as consistently as the client wants it, turning its error into a problem.
    func queries<Value>(
        _ query: (any QueryGateway, ReadConsistency) async throws -> Value
    ) async throws -> Value {
        let consistency = try self.consistency()
        do {
            return try await query(self.backend.queries, consistency)
        } catch let error as QueryError {
            switch error.code {
            case .timeLimit: throw Problem(status: 504, title: "DEADLINE_EXCEEDED", detail: error.reason)
            case .unavailable: throw Problem(status: 503, title: "RESOURCE_EXHAUSTED", detail: error.reason)
            case .failed: throw Problem(status: 500, title: "INTERNAL_SERVER_ERROR", detail: error.reason)
            }
        }
    }

    /// Answers a search with the view's documented schema, or with `schema`.
    func search(
        _ view: ViewKind,
        schema: SearchSchema? = nil,
        within: SearchFilter? = nil
    ) async throws -> Response {
        let schema = schema ?? SearchSchema.of(view)
        let form = view == .variable ? try self.variableForm() : .other
        let request = try SearchTranslator.request(self.jsonBody(), schema: schema, within: within)
        let page = try await self.queries { try await $0.search(request, consistency: $1) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("items")
        writer.beginArray()
        for row in page.rows { RowWriter.write(row, schema, form, to: &writer) }
        writer.endArray()
        writer.key("page")
        writer.beginObject()
        writer.member("totalItems", page.totalItems)
        writer.member("hasMoreTotalItems", page.hasMoreTotalItems)
        writer.optionalMember("startCursor", page.rows.first.map { SearchCursor.text($0, of: request) })
        writer.optionalMember("endCursor", page.rows.last.map { SearchCursor.text($0, of: request) })
        writer.endObject()
        writer.endObject()
        return try .json(writer).answering(self)
    }

    private func variableForm() throws(Problem) -> RowWriter.Form {
        let isTruncating = try self.flag("truncateValues", default: true)
        return .variable(length: isTruncating ? self.limits.truncatedValueLength : Int.max)
    }

    /// The row with this key; 404 if there is none.
    func existingRow(_ view: ViewKind, _ key: Key) async throws -> ViewRow {
        guard let row = try await self.queries({ try await $0.row(view, key: key, consistency: $1) }) else {
            throw Problem.notFound("Expected a \(Self.noun(view)) with key '\(key)', but found none")
        }
        return row
    }

    private static func noun(_ view: ViewKind) -> String { SearchSchema.of(view).noun }

    /// Answers the row whose key stands in the path.
    func row(_ view: ViewKind, key name: String) async throws -> Response {
        let row = try await self.existingRow(view, try self.key(name))
        var writer = JSONWriter()
        RowWriter.write(row, SearchSchema.of(view), .other, to: &writer)
        return try .json(writer).answering(self)
    }
}

/// Writes rows as JSON objects with all documented properties.
enum RowWriter {
    /// What an item has besides the properties of its schema.
    enum Form {
        /// A variable in a search: `isTruncated`, and its value cut to this many UTF-16 code units.
        case variable(length: Int)
        case other
    }

    static func write(_ row: ViewRow, _ schema: SearchSchema, _ form: Form, to writer: inout JSONWriter) {
        var isTruncated = false
        writer.beginObject()
        for item in schema.items {
            writer.key(item.name)
            switch item.source {
            case .text(let text): writer.string(text)
            case .null: writer.null()
            case .fieldOr(let field, let other):
                let value = row.values[field]
                Self.write(value == .null ? row.values[other] : value, .string, to: &writer)
            case .field(let field, .serializedJSON):
                var value = row.values[field]
                if case .variable(let length) = form, case .text(let text) = value {
                    let shortened = Self.truncated(text, to: length)
                    isTruncated = shortened != nil
                    value = .text(shortened ?? text)
                }
                Self.write(value, .serializedJSON, to: &writer)
            case .field(let field, let type): Self.write(row.values[field], type, to: &writer)
            }
        }
        if case .variable = form { writer.member("isTruncated", isTruncated) }
        writer.endObject()
    }

    private static func write(_ value: ViewValue, _ type: ViewFieldType, to writer: inout JSONWriter) {
        switch (value, type) {
        case (.null, _): writer.null()
        case (.integer(let number), .key): writer.quotedInt(number)
        case (.integer(let number), .boolean): writer.bool(number != 0)
        case (.integer(let number), .date): writer.string(DateTime.text(number))
        case (.integer(let number), _): writer.int(number)
        case (.text(let text), .json): writer.raw(text.utf8)
        case (.text(let text), _): writer.string(text)
        }
    }

    /// The longest beginning of at most `length` UTF-16 code units; nil if that is all of the text.
    private static func truncated(_ text: String, to length: Int) -> String? {
        guard text.utf8.count > length, text.utf16.count > length else { return nil }
        var beginning = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            count += scalar.value > 0xFFFF ? 2 : 1
            if count > length { break }
            beginning.append(scalar)
        }
        return String(beginning)
    }
}
