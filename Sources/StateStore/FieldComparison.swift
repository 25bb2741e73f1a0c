import ProcessEngine

/// Turns the comparison of one field into SQL. A null field differs from every value and is neither less nor greater.
struct FieldComparison {
    let field: ViewField
    let column: ViewColumn
    let aliases: TableAliases

    func sql(_ comparison: ComparisonOperator, _ values: [ViewValue]) throws(SearchError) -> SQLText {
        switch comparison {
        case .in: return try self.membership(values, isMember: true)
        case .notIn: return try self.membership(values, isMember: false)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .like, .exists:
            guard values.count == 1 else {
                throw .invalid("Expected one value for '\(self.field.name)', but got \(values.count)")
            }
        }
        let value = values[0]
        switch comparison {
        case .in, .notIn, .equal: return try self.equality(value, isEqual: true)
        case .notEqual: return try self.equality(value, isEqual: false)
        case .less: return try self.range("<", value)
        case .lessOrEqual: return try self.range("<=", value)
        case .greater: return try self.range(">", value)
        case .greaterOrEqual: return try self.range(">=", value)
        case .like: return try self.like(value)
        case .exists: return try self.existence(value)
        }
    }

    private var expression: String { self.column.expression(self.aliases) }

    private func equality(_ value: ViewValue, isEqual: Bool) throws(SearchError) -> SQLText {
        if value == .null {
            var result = SQLText()
            result.append("\(self.expression) IS \(isEqual ? "" : "NOT ")NULL")
            return result
        }
        try self.check(value)
        switch self.column.form {
        case .words: return try self.membership([value], isMember: isEqual)
        case .condition(let whenTrue):
            if isEqual == (value == .integer(1)), value == .integer(0) || value == .integer(1) {
                var result = SQLText()
                result.append(whenTrue(self.aliases))
                return result
            }
        case .plain: break
        }
        var result = SQLText()
        result.append(isEqual ? "\(self.expression) = " : "\(self.expression) IS NOT ")
        result.append(value: value)
        return result
    }

    private func membership(_ values: [ViewValue], isMember: Bool) throws(SearchError) -> SQLText {
        for value in values { try self.check(value) }
        var stored: [ViewValue] = values
        var expression = self.expression
        if case .words(let raw, let known) = self.column.form {
            let found = values.map { value in Self.word(value).flatMap { known[$0] } }
            // A word that stands for no stored value in particular can only be compared as a word.
            if found.allSatisfy({ $0 != nil }) {
                expression = raw(self.aliases)
                stored = found.flatMap { $0 ?? [] }
            }
        }
        var result = SQLText()
        // `x IN ()` is false, `x NOT IN ()` true, also for null.
        if stored.count == 1 {
            result.append(isMember ? "\(expression) = " : "\(expression) IS NOT ")
            result.append(value: stored[0])
        } else if isMember {
            result.append("\(expression) IN (")
            result.append(values: stored)
            result.append(")")
        } else {
            result.append("(\(expression) NOT IN (")
            result.append(values: stored)
            result.append(self.field.isNullable ? ") OR \(expression) IS NULL)" : "))")
        }
        return result
    }

    private func range(_ symbol: String, _ value: ViewValue) throws(SearchError) -> SQLText {
        try self.check(value)
        var result = SQLText()
        result.append("\(self.expression) \(symbol) ")
        result.append(value: value)
        return result
    }

    private func like(_ value: ViewValue) throws(SearchError) -> SQLText {
        try self.check(value)
        guard case .text(let pattern) = value else {
            throw .invalid("Expected a field of text for a pattern, but got '\(self.field.name)'")
        }
        var result = SQLText()
        result.append("\(self.expression) GLOB ")
        result.append(value: .text(try LikePattern.glob(pattern)))
        return result
    }

    private func existence(_ value: ViewValue) throws(SearchError) -> SQLText {
        guard value == .integer(0) || value == .integer(1) else {
            throw .invalid("Expected true or false for whether '\(self.field.name)' exists, but got another value")
        }
        var result = SQLText()
        result.append("\(self.expression) IS \(value == .integer(1) ? "NOT " : "")NULL")
        return result
    }

    private func check(_ value: ViewValue) throws(SearchError) {
        let isText = self.field.type.isText
        guard value != .null, value.isText == isText else {
            throw .invalid(
                "Expected a \(isText ? "text" : "number") for '\(self.field.name)', but got another value"
            )
        }
    }

    private static func word(_ value: ViewValue) -> String? {
        if case .text(let word) = value { word } else { nil }
    }
}
