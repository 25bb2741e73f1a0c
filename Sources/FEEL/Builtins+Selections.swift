/// Functions that take a list apart by a rule.
extension BuiltinFunction {
    static let selections: [BuiltinFunction] = [
        BuiltinFunction("sort", "list, precedes?", sort),
        BuiltinFunction("partition", "list, size") { evaluator, arguments throws(FEELEvaluationError) in
            guard let list = arguments.list(0), let size = arguments.integer(1), size > 0 else { return nil }
            var parts: [FEELValue] = []
            for start in stride(from: 0, to: list.count, by: size) {
                let end = start + min(size, list.count - start)
                parts.append(try evaluator.produce(Array(list[start..<end])))
            }
            return try evaluator.produce(parts)
        },
        BuiltinFunction("min", "list...") { evaluator, arguments throws(FEELEvaluationError) in
            try extreme(&evaluator, arguments, sign: -1)
        },
        BuiltinFunction("max", "list...") { evaluator, arguments throws(FEELEvaluationError) in
            try extreme(&evaluator, arguments, sign: 1)
        },
    ]

    private static func extreme(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments,
        sign: Int
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let list = arguments.list(0) else { return nil }
        guard var result = list.first else { return .null }
        // A single element must be of a type that has an order, too.
        guard evaluator.order(result, result) != nil else { return nil }
        for element in list.dropFirst() {
            try evaluator.step()
            guard let order = evaluator.order(element, result) else { return nil }
            if order == sign { result = element }
        }
        return result
    }

    private static func sort(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let list = arguments.list(0) else { return nil }
        if arguments[1].isNull {
            let sorted = try evaluator.mergeSorted(list) { evaluator, left, right throws(FEELEvaluationError) in
                evaluator.order(left, right).map { $0 <= 0 }
            }
            guard let sorted else { return nil }
            return try evaluator.produce(sorted)
        }
        guard let precedes = arguments.function(1) else { return nil }
        let sorted = try evaluator.mergeSorted(list) { evaluator, left, right throws(FEELEvaluationError) in
            switch try evaluator.invoke(precedes, [right, left]) {
            case .boolean(let isBefore): return !isBefore
            default: return nil
            }
        }
        guard let sorted else { return nil }
        return try evaluator.produce(sorted)
    }
}

extension Evaluator {
    typealias Precedes = (inout Evaluator, FEELValue, FEELValue) throws(FEELEvaluationError) -> Bool?

    /// A list in order by a stable merge sort; nil once two elements have none. Our own, because the rule may fail
    /// and must not be trusted to be consistent.
    mutating func mergeSorted(_ list: [FEELValue], _ isOrdered: Precedes) throws(FEELEvaluationError) -> [FEELValue]? {
        var runs = list
        var width = 1
        while width < runs.count {
            var merged: [FEELValue] = []
            merged.reserveCapacity(runs.count)
            for start in stride(from: 0, to: runs.count, by: 2 * width) {
                let middle = min(start + width, runs.count)
                let end = min(start + 2 * width, runs.count)
                var (left, right) = (start, middle)
                while left < middle, right < end {
                    try self.step()
                    guard let isLeftFirst = try isOrdered(&self, runs[left], runs[right]) else { return nil }
                    merged.append(runs[isLeftFirst ? left : right])
                    if isLeftFirst { left += 1 } else { right += 1 }
                }
                merged.append(contentsOf: runs[left..<middle])
                merged.append(contentsOf: runs[right..<end])
            }
            runs = merged
            width *= 2
        }
        return runs
    }
}
