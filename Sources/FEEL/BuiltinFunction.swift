/// A built-in function: its name, the forms in which it takes arguments, and what it does.
final class BuiltinFunction: Sendable {
    /// One form of a function's arguments.
    struct Signature: Sendable {
        let names: [String]
        let requiredCount: Int
        /// True when the last parameter may be given several times; an only parameter is then the list of all
        /// arguments.
        let isVariadic: Bool

        /// Reads `name, optional name?` or `list...`.
        init(_ text: String) {
            let parts = text.split(separator: ",").map { part in
                String(part.drop { $0 == " " })
            }
            self.isVariadic = text.hasSuffix("...")
            self.requiredCount = parts.filter { !$0.hasSuffix("?") }.count
            self.names = parts.map { part in
                String(part.hasSuffix("?") ? part.dropLast() : part.hasSuffix("...") ? part.dropLast(3) : part[...])
            }
        }

        /// Positional arguments in the form's order, or nil if their number does not fit.
        func ordered(_ values: [FEELValue]) -> [FEELValue]? {
            if self.isVariadic {
                if values.count < self.names.count { return nil }
                if self.names.count > 1 { return values }
                if values.count > 1 { return [.list(values)] }
                return [self.listed(values[0])]
            }
            return self.requiredCount...self.names.count ~= values.count ? values : nil
        }

        /// Named arguments in the form's order, null where an optional one is missing; nil if the names do not fit.
        func ordered(_ values: [FEELValue], _ given: [String]) -> [FEELValue]? {
            var result = [FEELValue](repeating: .null, count: self.names.count)
            var isGiven = [Bool](repeating: false, count: self.names.count)
            for (value, name) in zip(values, given) {
                guard let position = self.names.firstIndex(of: name), !isGiven[position] else { return nil }
                isGiven[position] = true
                result[position] = value
            }
            guard isGiven.prefix(self.requiredCount).allSatisfy({ $0 }) else { return nil }
            while let last = isGiven.last, !last {
                isGiven.removeLast()
                result.removeLast()
            }
            return self.isVariadic && self.names.count == 1 ? [self.listed(result[0])] : result
        }

        private func listed(_ value: FEELValue) -> FEELValue {
            switch value {
            case .list, .null: value
            default: .list([value])
            }
        }
    }

    /// Carries the function out; nil when the arguments are not of its types.
    typealias Body = @Sendable (inout Evaluator, BuiltinArguments) throws(FEELEvaluationError) -> FEELValue?

    let name: String
    let signatures: [Signature]
    let body: Body

    /// Forms are separated by `|`.
    init(_ name: String, _ signatures: String, _ body: @escaping Body) {
        self.name = name
        self.signatures = signatures.split(separator: "|", omittingEmptySubsequences: false).map { part in
            Signature(String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
        }
        self.body = body
    }

    /// All functions by name.
    static let all: [String: BuiltinFunction] = {
        var functions: [String: BuiltinFunction] = [:]
        let groups = [
            BuiltinFunction.conversions, BuiltinFunction.strings, BuiltinFunction.patterns, BuiltinFunction.lists,
            BuiltinFunction.selections, BuiltinFunction.aggregates, BuiltinFunction.numbers, BuiltinFunction.temporals,
            BuiltinFunction.ranges, BuiltinFunction.contexts, BuiltinFunction.others,
        ]
        for group in groups {
            for function in group { functions[function.name] = function }
        }
        return functions
    }()
}

/// The arguments of one invocation, in the order of the form they fit.
struct BuiltinArguments {
    let values: [FEELValue]
    /// The position of the form among the function's.
    let signature: Int

    init(_ values: [FEELValue], signature: Int) {
        self.values = values
        self.signature = signature
    }

    var count: Int { self.values.count }

    /// An argument; null if it was left out.
    subscript(_ index: Int) -> FEELValue { index < self.values.count ? self.values[index] : .null }

    func number(_ index: Int) -> Decimal? {
        if case .number(let number) = self[index] { return number }
        return nil
    }

    /// The integer part of a number.
    func integer(_ index: Int) -> Int? { self.number(index)?.truncatedInt }

    func string(_ index: Int) -> String? {
        if case .string(let text) = self[index] { return text }
        return nil
    }

    /// A list; any other value but null counts as a list of itself.
    func list(_ index: Int) -> [FEELValue]? {
        switch self[index] {
        case .list(let elements): elements
        case .null: nil
        case let other: [other]
        }
    }

    func context(_ index: Int) -> FEELContext? {
        if case .context(let context) = self[index] { return context }
        return nil
    }

    func function(_ index: Int) -> FEELFunction? {
        if case .function(let function) = self[index] { return function }
        return nil
    }
}
