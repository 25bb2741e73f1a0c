import JSON
import ProcessEngine

/// Reads the condition on one property of a filter: a bare value, or an object of operators that must all hold.
struct FilterCondition {
    private static let listLimit = 1000
    private static let operatorNames: [(name: String, operator: ComparisonOperator)] = [
        ("$eq", .equal), ("$neq", .notEqual), ("$exists", .exists), ("$in", .in), ("$notIn", .notIn),
        ("$like", .like), ("$gt", .greater), ("$gte", .greaterOrEqual), ("$lt", .less), ("$lte", .lessOrEqual),
    ]

    /// For messages: "filter.state".
    let name: String
    let type: ViewFieldType
    let isNullable: Bool

    /// The comparisons that must all hold, each with its values.
    func comparisons(_ value: JSONValue) throws(Problem) -> [(operator: ComparisonOperator, values: [ViewValue])] {
        if value.isNull, self.isNullable { return [(.exists, [.integer(0)])] }
        guard case .object(let object) = value else { return [(.equal, [try self.value(value)])] }
        let allowed = self.allowedOperators
        guard !object.isEmpty else {
            throw .invalid("Expected one of the operators \(Self.list(allowed)) for '\(self.name)', but got none")
        }
        var comparisons: [(operator: ComparisonOperator, values: [ViewValue])] = []
        for member in object.members {
            guard let known = Self.operatorNames.first(where: { $0.name == member.key }), allowed.contains(known.name)
            else {
                throw .invalid(
                    "Expected one of the operators \(Self.list(allowed)) for '\(self.name)', "
                        + "but got \(Problem.quoted(member.key))"
                )
            }
            comparisons.append((known.operator, try self.values(member.value, of: known.operator, member.key)))
        }
        return comparisons
    }

    private static func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }

    private var allowedOperators: [String] {
        switch self.type {
        case .key: ["$eq", "$neq", "$exists", "$in", "$notIn"]
        case .integer, .date: ["$eq", "$neq", "$exists", "$gt", "$gte", "$lt", "$lte", "$in"]
        case .boolean: ["$eq", "$neq", "$exists"]
        case .string, .json, .serializedJSON: ["$eq", "$neq", "$exists", "$in", "$notIn", "$like"]
        case .enumeration: ["$eq", "$neq", "$exists", "$in", "$notIn", "$like"]
        }
    }

    private func values(
        _ value: JSONValue,
        of comparison: ComparisonOperator,
        _ operatorName: String
    ) throws(Problem) -> [ViewValue] {
        switch comparison {
        case .exists:
            guard let flag = value.boolValue else {
                throw self.mismatch("a boolean", value, operatorName)
            }
            return [.integer(flag ? 1 : 0)]
        case .in, .notIn:
            guard let elements = value.arrayValue else { throw self.mismatch("an array", value, operatorName) }
            guard (1...Self.listLimit).contains(elements.count) else {
                throw .invalid(
                    "Expected 1 to \(Self.listLimit) elements for '\(self.name).\(operatorName)', "
                        + "but got \(elements.count)"
                )
            }
            var values: [ViewValue] = []
            for element in elements { values.append(try self.value(element)) }
            return values
        case .like:
            guard let pattern = value.stringValue else { throw self.mismatch("a string", value, operatorName) }
            return [.text(pattern)]
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return [try self.value(value)]
        }
    }

    private func mismatch(_ expected: String, _ value: JSONValue, _ operatorName: String) -> Problem {
        .invalid("Expected \(expected) for '\(self.name).\(operatorName)', but got \(value.kindName)")
    }

    /// One value in the form of the property's type.
    private func value(_ value: JSONValue) throws(Problem) -> ViewValue {
        switch self.type {
        case .key:
            guard let text = value.stringValue else { throw self.mismatch("a key (a string of digits)", value) }
            return .key(try Call.key(text, name: self.name))
        case .integer:
            guard let number = value.int64Value else { throw self.mismatch("an integer", value) }
            return .integer(number)
        case .boolean:
            guard let flag = value.boolValue else { throw self.mismatch("a boolean", value) }
            return .integer(flag ? 1 : 0)
        case .date:
            guard let text = value.stringValue else { throw self.mismatch("an ISO-8601 date-time", value) }
            guard let milliseconds = DateTime.milliseconds(text) else {
                throw .invalid("Expected an ISO-8601 date-time for '\(self.name)', but got \(Problem.quoted(text))")
            }
            return .integer(milliseconds)
        case .enumeration(let words):
            guard let text = value.stringValue else { throw self.mismatch("a string", value) }
            guard words.contains(text) else {
                throw .invalid(
                    "Expected one of \(Self.list(words)) for '\(self.name)', but got \(Problem.quoted(text))"
                )
            }
            return .text(text)
        case .string, .json, .serializedJSON:
            guard let text = value.stringValue else { throw self.mismatch("a string", value) }
            return .text(text)
        }
    }

    private func mismatch(_ expected: String, _ value: JSONValue) -> Problem {
        .invalid("Expected \(expected) for '\(self.name)', but got \(value.kindName)")
    }
}
