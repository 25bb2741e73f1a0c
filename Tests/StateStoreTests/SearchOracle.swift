import ProcessEngine

/// Evaluates searches the plain way: over all rows in memory.
struct SearchOracle {
    let rows: [ViewKind: [SearchWorld.Row]]

    /// All rows of a search in order, without position and limit.
    func all(_ request: SearchRequest) -> [ViewRow] {
        (self.rows[request.view] ?? [])
            .filter { self.passes($0, request.filter) }
            .map { $0.row }
            .sorted { Self.precedes($0, $1, request.sort) }
    }

    private static func precedes(_ left: ViewRow, _ right: ViewRow, _ sort: [SearchSort]) -> Bool {
        for criterion in sort {
            let result = self.compare(left.values[criterion.field], right.values[criterion.field])
            if result != 0 { return criterion.isDescending ? result > 0 : result < 0 }
        }
        let result = self.compare(left.values[0], right.values[0])
        return sort.last?.isDescending == true ? result > 0 : result < 0
    }

    private static func compare(_ left: ViewValue, _ right: ViewValue) -> Int {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): return left < right ? -1 : left > right ? 1 : 0
        case (.text(let left), .text(let right)):
            let (left, right) = (Array(left.utf8), Array(right.utf8))
            return left.lexicographicallyPrecedes(right) ? -1 : left == right ? 0 : 1
        default: return self.rank(left) - self.rank(right)
        }
    }

    private static func rank(_ value: ViewValue) -> Int {
        switch value {
        case .null: 0
        case .integer: 1
        case .text: 2
        }
    }

    func passes(_ row: SearchWorld.Row, _ filter: SearchFilter) -> Bool {
        switch filter {
        case .all(let filters): filters.allSatisfy { self.passes(row, $0) }
        case .any(let filters): filters.contains { self.passes(row, $0) }
        case .tag(let tag): row.tags.contains { Array($0.utf8) == Array(tag.utf8) }
        case .related(let view, let inner):
            (self.rows[view] ?? []).contains { $0.instance == row.instance && self.passes($0, inner) }
        case .compare(let field, let comparison, let values):
            Self.passes(row.row.values[field], comparison, values)
        }
    }

    private static func passes(
        _ value: ViewValue,
        _ comparison: ComparisonOperator,
        _ operands: [ViewValue]
    ) -> Bool {
        let results = operands.map { self.compare(value, $0) }
        let isNull = value == .null
        switch comparison {
        case .equal: return results[0] == 0
        case .notEqual: return results[0] != 0
        case .less: return !isNull && results[0] < 0
        case .lessOrEqual: return !isNull && results[0] <= 0
        case .greater: return !isNull && results[0] > 0
        case .greaterOrEqual: return !isNull && results[0] >= 0
        case .in: return results.contains(0)
        case .notIn: return !results.contains(0)
        case .exists: return isNull == (operands[0] == .integer(0))
        case .like:
            guard case .text(let text) = value, case .text(let pattern) = operands[0] else { return false }
            return self.matches(Array(text.unicodeScalars)[...], Array(pattern.unicodeScalars)[...])
        }
    }

    static func matches(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        switch first {
        case "*":
            return (text.startIndex...text.endIndex).contains { self.matches(text[$0...], pattern.dropFirst()) }
        case "?": return !text.isEmpty && self.matches(text.dropFirst(), pattern.dropFirst())
        case "\\" where pattern.count > 1:
            let rest = pattern.dropFirst()
            return text.first == rest.first && self.matches(text.dropFirst(), rest.dropFirst())
        default: return text.first == first && self.matches(text.dropFirst(), pattern.dropFirst())
        }
    }
}

extension SearchGenerator {
    /// A search whose filter has a fair chance to let some rows through.
    mutating func request(over rows: [ViewKind: [SearchWorld.Row]]) -> SearchRequest {
        let view = self.pick(ViewKind.allCases)
        let count = Int.random(in: 0...3, using: &self)
        let sort = (0..<count).map { _ in
            SearchSort(
                field: Int.random(in: 0..<view.fields.count, using: &self),
                isDescending: self.chance(50)
            )
        }
        return SearchRequest(
            view: view,
            filter: self.chance(25) ? .all([]) : self.filter(on: view, over: rows, depth: 0),
            sort: sort,
            limit: Int.random(in: 1...40, using: &self)
        )
    }

    private mutating func filter(
        on view: ViewKind,
        over rows: [ViewKind: [SearchWorld.Row]],
        depth: Int
    ) -> SearchFilter {
        switch Int.random(in: 0..<(depth > 2 ? 6 : 10), using: &self) {
        case 6:
            return .all(
                (0..<Int.random(in: 0...2, using: &self)).map { _ in
                    self.filter(on: view, over: rows, depth: depth + 1)
                }
            )
        case 7:
            return .any(
                (0..<Int.random(in: 0...3, using: &self)).map { _ in
                    self.filter(on: view, over: rows, depth: depth + 1)
                }
            )
        case 8 where view != .processDefinition:
            let other = self.pick(ViewKind.allCases.filter { $0 != .processDefinition })
            return .related(other, self.filter(on: other, over: rows, depth: depth + 1))
        case 9 where view != .processDefinition: return .tag(self.pick(["red", "say \"hi\"", "ü", "no"]))
        default: return self.comparison(on: view, over: rows)
        }
    }

    private mutating func comparison(on view: ViewKind, over rows: [ViewKind: [SearchWorld.Row]]) -> SearchFilter {
        let field = Int.random(in: 0..<view.fields.count, using: &self)
        let known = Array(Set((rows[view] ?? []).map { $0.row.values[field] }).subtracting([.null]))
            .sorted { "\($0)" < "\($1)" }
        let isText =
            switch view.fields[field].type {
            case .key, .integer, .boolean, .date: false
            case .string, .enumeration, .json, .serializedJSON: true
            }
        if known.isEmpty || self.chance(10) {
            return .compare(field: field, .exists, values: [.integer(self.chance(50) ? 1 : 0)])
        }
        switch Int.random(in: 0..<10, using: &self) {
        case 0: return .compare(field: field, .notEqual, values: [self.chance(20) ? .null : self.pick(known)])
        case 1: return .compare(field: field, .less, values: [self.pick(known)])
        case 2: return .compare(field: field, .lessOrEqual, values: [self.pick(known)])
        case 3: return .compare(field: field, .greater, values: [self.pick(known)])
        case 4: return .compare(field: field, .greaterOrEqual, values: [self.pick(known)])
        case 5:
            return .compare(field: field, .in, values: (0..<3).map { _ in self.pick(known) })
        case 6:
            return .compare(field: field, .notIn, values: (0..<2).map { _ in self.pick(known) })
        case 7 where isText:
            let patterns = ["*", "?", "a*", "*b*", "A*", "\\**", "*\\?*", "*[*", "?[b]c", "a\\\\b", "*_TASK", "ä", "é"]
            return .compare(field: field, .like, values: [.text(self.pick(patterns))])
        default: return .compare(field: field, .equal, values: [self.chance(5) ? .null : self.pick(known)])
        }
    }
}
