import JSON
import ProcessEngine

/// Turns the body of a search into what the query gateway understands, refusing whatever is not documented.
struct SearchTranslator {
    static let defaultLimit = 100
    private static let pageLimits: ClosedRange<Int64> = 1...10_000
    private static let offsetLimit: Int64 = 1 << 40
    private static let sortLimit = 20
    /// Conditions of one search, in all alternatives together.
    private static let conditionLimit = 500
    /// A search's body is flat.
    private static let depthLimit = 16

    private let schema: SearchSchema
    private var conditionCount = 0

    private init(_ schema: SearchSchema) { self.schema = schema }

    /// - Parameters:
    ///   - body: empty, or a JSON object.
    ///   - within: what holds for all items, whatever the filter says.
    static func request(
        _ body: [UInt8],
        schema: SearchSchema,
        within: SearchFilter? = nil
    ) throws(Problem) -> SearchRequest {
        var request = SearchRequest(view: schema.view)
        var translator = SearchTranslator(schema)
        var filter: [SearchFilter] = []
        if let within { filter.append(within) }
        if !body.isEmpty {
            let root = try Self.object(Self.parse(body), "the body")
            try Self.checkProperties(root, ["filter", "sort", "page"], "")
            if let value = root["filter"], !value.isNull {
                filter += try translator.conditions(Self.object(value, "'filter'"), "filter.", isOutermost: true)
            }
            if let value = root["sort"], !value.isNull { request.sort = try translator.sort(value) }
            if let value = root["page"], !value.isNull { try Self.page(value, of: &request) }
        }
        request.filter = .all(filter)
        return request
    }

    private static func parse(_ body: [UInt8]) throws(Problem) -> JSONValue {
        do {
            return try JSONParser.parse(body, limits: JSONLimits(depth: Self.depthLimit))
        } catch {
            throw RequestObject.malformed(error)
        }
    }

    private static func object(_ value: JSONValue, _ what: String) throws(Problem) -> JSONObject {
        guard case .object(let object) = value else {
            throw .invalid("Expected an object for \(what), but got \(value.kindName)")
        }
        return object
    }

    private static func checkProperties(
        _ object: JSONObject,
        _ allowed: [String],
        _ path: String
    ) throws(Problem) {
        for member in object.members where !allowed.contains(member.key) {
            let names = allowed.map { "'\($0)'" }.joined(separator: ", ")
            throw .invalid("Expected one of the properties \(names), but got \(Problem.quoted(path + member.key))")
        }
    }
}

// MARK: - Filter

extension SearchTranslator {
    /// All conditions of one filter object.
    private mutating func conditions(
        _ object: JSONObject,
        _ path: String,
        isOutermost: Bool
    ) throws(Problem) -> [SearchFilter] {
        let mayAlternate = isOutermost && self.schema.allowsAlternatives
        try Self.checkProperties(object, self.schema.filters.map(\.name) + (mayAlternate ? ["$or"] : []), path)
        var conditions: [SearchFilter] = []
        var related: [(view: ViewKind, conditions: [SearchFilter])] = []
        for member in object.members {
            if member.key == "$or" {
                conditions.append(try self.alternatives(member.value, path + "$or"))
                continue
            }
            guard let rule = self.schema.filters.first(where: { $0.name == member.key })?.rule else { continue }
            if case .related(let view, let field) = rule {
                let found = try self.compare(member.value, view.fields[field], field, path + member.key)
                if let position = related.firstIndex(where: { $0.view == view }) {
                    related[position].conditions += found
                } else {
                    related.append((view, found))
                }
            } else {
                conditions += try self.conditions(member.value, rule, path + member.key)
            }
        }
        return conditions + related.map { .related($0.view, .all($0.conditions)) }
    }

    private mutating func alternatives(_ value: JSONValue, _ name: String) throws(Problem) -> SearchFilter {
        guard let elements = value.arrayValue, !elements.isEmpty else {
            let found = value.arrayValue == nil ? value.kindName : "an empty one"
            throw .invalid("Expected an array of filters for '\(name)', but got \(found)")
        }
        var alternatives: [SearchFilter] = []
        for (position, element) in elements.enumerated() {
            let path = "\(name)[\(position)]"
            try self.count()
            let object = try Self.object(element, "'\(path)'")
            alternatives.append(.all(try self.conditions(object, path + ".", isOutermost: false)))
        }
        return .any(alternatives)
    }

    private mutating func count() throws(Problem) {
        self.conditionCount += 1
        guard self.conditionCount <= Self.conditionLimit else {
            throw .invalid("Expected at most \(Self.conditionLimit) conditions in 'filter', but got more")
        }
    }

    private mutating func conditions(
        _ value: JSONValue,
        _ rule: SearchSchema.Rule,
        _ name: String
    ) throws(Problem) -> [SearchFilter] {
        switch rule {
        case .field(let field), .related(_, let field):
            return try self.compare(value, self.schema.view.fields[field], field, name)
        case .words(let field, let words):
            var description = self.schema.view.fields[field]
            description.type = .enumeration(words)
            return try self.compare(value, description, field, name)
        case .absent(let type):
            return try self.onAbsent(value, FilterCondition(name: name, type: type, isNullable: true))
        case .constant(let word, let words):
            return try self.onConstant(word, value, name: name, words: words)
        case .variables: return try self.variables(value, name)
        case .tags: return try self.tags(value, name)
        case .listMember(let field): return try self.listMember(value, field, name)
        case .unsupported:
            throw .invalid("The filter property '\(name)' is not supported by this version of Thalweg")
        }
    }

    private mutating func compare(
        _ value: JSONValue,
        _ description: ViewField,
        _ field: Int,
        _ name: String
    ) throws(Problem) -> [SearchFilter] {
        let condition = FilterCondition(name: name, type: description.type, isNullable: description.isNullable)
        var filters: [SearchFilter] = []
        for comparison in try condition.comparisons(value) {
            try self.count()
            filters.append(.compare(field: field, comparison.operator, values: comparison.values))
        }
        return filters
    }

    /// No row passes: the key, which every row has, would have to be null.
    private static let nothing = SearchFilter.compare(field: 0, .exists, values: [.integer(0)])

    /// Comparisons with null hold only if they ask for null.
    private mutating func onAbsent(
        _ value: JSONValue,
        _ condition: FilterCondition
    ) throws(Problem) -> [SearchFilter] {
        try self.count()
        for comparison in try condition.comparisons(value) {
            guard comparison.operator == .exists, comparison.values == [.integer(0)] else { return [Self.nothing] }
        }
        return []
    }

    private mutating func onConstant(
        _ word: String,
        _ value: JSONValue,
        name: String,
        words: [String]
    ) throws(Problem) -> [SearchFilter] {
        try self.count()
        let condition = FilterCondition(name: name, type: .enumeration(words), isNullable: false)
        for comparison in try condition.comparisons(value) {
            let holds: Bool
            switch comparison.operator {
            case .equal, .in: holds = comparison.values.contains(.text(word))
            case .notEqual, .notIn: holds = !comparison.values.contains(.text(word))
            case .exists: holds = comparison.values == [.integer(1)]
            case .like, .less, .lessOrEqual, .greater, .greaterOrEqual:
                throw .invalid(
                    "Expected '$eq', '$neq', '$in', '$notIn' or '$exists' for '\(name)', but got another one"
                )
            }
            guard holds else { return [Self.nothing] }
        }
        return []
    }

    /// `[{name, value}]`, where the value is compared as serialised JSON.
    private mutating func variables(_ value: JSONValue, _ name: String) throws(Problem) -> [SearchFilter] {
        guard let elements = value.arrayValue else {
            throw .invalid("Expected an array of objects for '\(name)', but got \(value.kindName)")
        }
        let nameField = ViewKind.variable.position("name")
        let valueField = ViewKind.variable.position("value")
        var filters: [SearchFilter] = []
        for (position, element) in elements.enumerated() {
            let path = "\(name)[\(position)]"
            let object = try Self.object(element, "'\(path)'")
            try Self.checkProperties(object, ["name", "value"], path + ".")
            guard let variable = object["name"]?.stringValue else {
                let found = object["name"]?.kindName ?? "none"
                throw .invalid("Expected a string for '\(path).name', but got \(found)")
            }
            guard let expected = object["value"], !expected.isNull else {
                throw .invalid("Expected a string or operators for '\(path).value', but got none")
            }
            let isNamed = SearchFilter.compare(field: nameField, .equal, values: [.text(variable)])
            let description = ViewKind.variable.fields[valueField]
            let comparisons = try self.compare(expected, description, valueField, path + ".value")
            filters.append(.related(.variable, .all([isNamed] + comparisons)))
        }
        return filters
    }

    private mutating func tags(_ value: JSONValue, _ name: String) throws(Problem) -> [SearchFilter] {
        guard let elements = value.arrayValue else {
            throw .invalid("Expected an array of strings for '\(name)', but got \(value.kindName)")
        }
        var filters: [SearchFilter] = []
        for element in elements {
            guard let tag = element.stringValue else {
                throw .invalid("Expected an array of strings for '\(name)', but got \(element.kindName) in it")
            }
            try self.count()
            try RequestObject.checkTag(tag)
            filters.append(.tag(tag))
        }
        return filters
    }

    /// The field holds a JSON array of strings without white space, so an element is found by its quoted text.
    private mutating func listMember(
        _ value: JSONValue,
        _ field: Int,
        _ name: String
    ) throws(Problem) -> [SearchFilter] {
        let condition = FilterCondition(name: name, type: .string, isNullable: false)
        var filters: [SearchFilter] = []
        for comparison in try condition.comparisons(value) {
            try self.count()
            switch comparison.operator {
            case .equal, .in:
                let patterns = comparison.values.map { Self.listPattern($0) }
                filters.append(.any(patterns.map { .compare(field: field, .like, values: [$0]) }))
            case .exists:
                let isEmpty = comparison.values == [.integer(0)]
                filters.append(.compare(field: field, isEmpty ? .equal : .notEqual, values: [.text("[]")]))
            case .notEqual, .notIn, .like, .less, .lessOrEqual, .greater, .greaterOrEqual:
                throw .invalid("Expected a string, '$eq', '$in' or '$exists' for '\(name)', but got another operator")
            }
        }
        return filters
    }

    private static func listPattern(_ value: ViewValue) -> ViewValue {
        guard case .text(let text) = value else { return .null }
        var pattern = "*"
        let quoted = String(decoding: JSONValue.string(text).serialized(), as: UTF8.self)
        for scalar in quoted.unicodeScalars {
            if scalar == "*" || scalar == "?" || scalar == "\\" { pattern.unicodeScalars.append("\\") }
            pattern.unicodeScalars.append(scalar)
        }
        return .text(pattern + "*")
    }
}

// MARK: - Order and page

extension SearchTranslator {
    private func sort(_ value: JSONValue) throws(Problem) -> [SearchSort] {
        guard let elements = value.arrayValue, elements.count <= Self.sortLimit else {
            let found = value.arrayValue.map { "\($0.count)" } ?? value.kindName
            throw .invalid("Expected an array of at most \(Self.sortLimit) objects for 'sort', but got \(found)")
        }
        var sorts: [SearchSort] = []
        for (position, element) in elements.enumerated() {
            let path = "sort[\(position)]"
            let object = try Self.object(element, "'\(path)'")
            try Self.checkProperties(object, ["field", "order"], path + ".")
            let names = self.schema.sorts.map { "'\($0.name)'" }.joined(separator: ", ")
            guard let name = object["field"]?.stringValue,
                let sort = self.schema.sorts.first(where: { $0.name == name })
            else {
                let found = object["field"].map { $0.stringValue.map { Problem.quoted($0) } ?? $0.kindName } ?? "none"
                throw .invalid("Expected one of \(names) for '\(path).field', but got \(found)")
            }
            let isDescending: Bool
            switch object["order"] {
            case nil, .null, .string("ASC"): isDescending = false
            case .string("DESC"): isDescending = true
            case .some(let other):
                let found = other.stringValue.map { Problem.quoted($0) } ?? other.kindName
                throw .invalid("Expected 'ASC' or 'DESC' for '\(path).order', but got \(found)")
            }
            guard let field = sort.field, !sorts.contains(where: { $0.field == field }) else { continue }
            sorts.append(SearchSort(field: field, isDescending: isDescending))
        }
        return sorts
    }

    /// `{limit}`, `{from, limit}`, `{after, limit}` or `{before, limit}`.
    private static func page(_ value: JSONValue, of request: inout SearchRequest) throws(Problem) {
        let page = try Self.object(value, "'page'")
        try Self.checkProperties(page, ["from", "limit", "after", "before"], "page.")
        if let limit = page["limit"], !limit.isNull {
            request.limit = Int(try Self.integer(limit, "page.limit", Self.pageLimits))
        }
        let places = ["from", "after", "before"].filter { page[$0].map { !$0.isNull } ?? false }
        guard places.count <= 1 else {
            let names = places.map { "'\($0)'" }.joined(separator: " and ")
            throw .invalid("Expected at most one of 'from', 'after' and 'before' in 'page', but got \(names)")
        }
        guard let place = places.first, let value = page[place] else { return }
        if place == "from" {
            request.position = .offset(Int(try Self.integer(value, "page.from", 0...Self.offsetLimit)))
            return
        }
        guard let text = value.stringValue else {
            throw .invalid("Expected a string for 'page.\(place)', but got \(value.kindName)")
        }
        // Clients page from the begin with an empty cursor.
        if text.isEmpty { return }
        let values = try SearchCursor.values(text, for: request, name: "page." + place)
        request.position = place == "after" ? .after(values) : .before(values)
    }

    private static func integer(
        _ value: JSONValue,
        _ name: String,
        _ bounds: ClosedRange<Int64>
    ) throws(Problem) -> Int64 {
        guard let number = value.int64Value, bounds.contains(number) else {
            let found = value.numberValue.map { Problem.quoted($0.text) } ?? value.kindName
            let expected = "an integer from \(bounds.lowerBound) to \(bounds.upperBound)"
            throw .invalid("Expected \(expected) for '\(name)', but got \(found)")
        }
        return number
    }
}
