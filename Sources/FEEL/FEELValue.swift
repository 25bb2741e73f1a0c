/// A FEEL value (DMN 1.3, 10.3.2.1). Equality is structural: it tells two zones of one instant apart, unlike FEEL's
/// `=`.
package enum FEELValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case number(Decimal)
    case string(String)
    case list([FEELValue])
    case context(FEELContext)
    indirect case range(FEELRange)
    case date(FEELDate)
    indirect case time(FEELTime)
    indirect case dateTime(FEELDateTime)
    case daysTimeDuration(FEELDaysTimeDuration)
    case yearsMonthsDuration(FEELYearsMonthsDuration)
    case function(FEELFunction)

    /// The name of the value's type as FEEL writes it.
    package var typeName: String {
        switch self {
        case .null: "Null"
        case .boolean: "boolean"
        case .number: "number"
        case .string: "string"
        case .list: "list"
        case .context: "context"
        case .range: "range"
        case .date: "date"
        case .time: "time"
        case .dateTime: "date and time"
        case .daysTimeDuration: "days and time duration"
        case .yearsMonthsDuration: "years and months duration"
        case .function: "function"
        }
    }

    var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    static func integer(_ value: Int) -> FEELValue { .number(Decimal(value)) }

    /// The number if there is one, else null.
    static func optional(_ value: Decimal?) -> FEELValue { value.map(FEELValue.number) ?? .null }

    static func optional(_ value: Bool?) -> FEELValue { value.map(FEELValue.boolean) ?? .null }
}

/// A range of FEEL values, or the same written as a unary test such as `(< 10)`.
package struct FEELRange: Sendable, Equatable {
    /// The lower end point; null when open below.
    package var start: FEELValue
    /// The upper end point; null when open above.
    package var end: FEELValue
    /// True when the lower end point itself belongs to the range.
    package var isStartIncluded: Bool
    /// True when the upper end point itself belongs to the range.
    package var isEndIncluded: Bool
    /// The operator of a range that was written as a comparison.
    package var comparison: ComparisonOperator?

    /// A range between two end points; null means unbounded.
    package init(
        start: FEELValue,
        end: FEELValue,
        isStartIncluded: Bool,
        isEndIncluded: Bool,
        comparison: ComparisonOperator? = nil
    ) {
        self.start = start
        self.end = end
        self.isStartIncluded = isStartIncluded
        self.isEndIncluded = isEndIncluded
        self.comparison = comparison
    }

    /// The range that a unary comparison stands for.
    init(_ comparison: ComparisonOperator, _ operand: FEELValue) {
        let hasStart = comparison != .less && comparison != .lessOrEqual
        let hasEnd = comparison != .greater && comparison != .greaterOrEqual
        self.start = hasStart ? operand : .null
        self.end = hasEnd ? operand : .null
        self.isStartIncluded = comparison == .greaterOrEqual || comparison == .equal
        self.isEndIncluded = comparison == .lessOrEqual || comparison == .equal
        self.comparison = comparison
    }
}

/// The comparison operators of FEEL.
package enum ComparisonOperator: String, Sendable {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

/// A function value: built in, or defined by an expression together with the names it closes over.
package final class FEELFunction: Sendable, Equatable {
    enum Body: Sendable {
        case builtin(BuiltinFunction)
        case lambda(Lambda)
    }

    struct Lambda: Sendable {
        let parameters: [FunctionParameter]
        let body: Node
        let captured: [Binding]
        /// The context key it is stored under, so that it can call itself.
        let name: String?
    }

    let body: Body

    init(_ body: Body) {
        self.body = body
    }

    /// The parameters' names, of the first form if a built-in function has several.
    package var parameterNames: [String] {
        switch self.body {
        case .builtin(let builtin): builtin.signatures.first?.names ?? []
        case .lambda(let lambda): lambda.parameters.map(\.name)
        }
    }

    /// Functions are equal only to themselves.
    package static func == (left: FEELFunction, right: FEELFunction) -> Bool {
        if case .builtin(let one) = left.body, case .builtin(let other) = right.body { return one.name == other.name }
        return left === right
    }
}
