/// List functions (DMN 1.3, table 75) and those of Camunda. Positions count from 1, negative ones from the end.
extension BuiltinFunction {
    static let lists: [BuiltinFunction] = [
        BuiltinFunction("list contains", "list, element") { evaluator, arguments throws(FEELEvaluationError) in
            guard let list = arguments.list(0) else { return nil }
            return .boolean(try evaluator.position(of: arguments[1], in: list) != nil)
        },
        BuiltinFunction("count", "list...") { _, arguments in arguments.list(0).map { .integer($0.count) } },
        BuiltinFunction("is empty", "list") { _, arguments in
            guard case .list(let list) = arguments[0] else { return nil }
            return .boolean(list.isEmpty)
        },
        BuiltinFunction("append", "list, items...", append),
        BuiltinFunction("concatenate", "lists...", concatenate),
        BuiltinFunction("union", "lists...") { evaluator, arguments throws(FEELEvaluationError) in
            guard case .list(let all)? = try concatenate(&evaluator, arguments) else { return nil }
            return try evaluator.produce(try evaluator.distinct(all))
        },
        BuiltinFunction("distinct values", "list") { evaluator, arguments throws(FEELEvaluationError) in
            guard let list = arguments.list(0) else { return nil }
            return try evaluator.produce(try evaluator.distinct(list))
        },
        BuiltinFunction("duplicate values", "list", duplicates),
        BuiltinFunction("flatten", "list") { evaluator, arguments throws(FEELEvaluationError) in
            guard let list = arguments.list(0) else { return nil }
            var result: [FEELValue] = []
            try evaluator.flatten(list, into: &result, depth: 0)
            return try evaluator.produce(result)
        },
        BuiltinFunction("reverse", "list") { evaluator, arguments throws(FEELEvaluationError) in
            guard let list = arguments.list(0) else { return nil }
            return try evaluator.produce(Array(list.reversed()))
        },
        BuiltinFunction("index of", "list, match") { evaluator, arguments throws(FEELEvaluationError) in
            guard let list = arguments.list(0) else { return nil }
            var result: [FEELValue] = []
            for (index, element) in list.enumerated() {
                try evaluator.step()
                if try evaluator.equal(element, arguments[1]) == true { result.append(.integer(index + 1)) }
            }
            return try evaluator.produce(result)
        },
        BuiltinFunction("sublist", "list, start position, length?", sublist),
        BuiltinFunction("insert before", "list, position, newItem") {
            evaluator,
            arguments throws(FEELEvaluationError) in
            guard var list = arguments.list(0), let index = arguments.index(1, count: list.count) else { return nil }
            list.insert(arguments[2], at: index)
            return try evaluator.produce(list)
        },
        BuiltinFunction("remove", "list, position") { evaluator, arguments throws(FEELEvaluationError) in
            guard var list = arguments.list(0), let index = arguments.index(1, count: list.count) else { return nil }
            list.remove(at: index)
            return try evaluator.produce(list)
        },
        BuiltinFunction("list replace", "list, position, newItem | list, match, newItem", replace),
    ]

    private static func append(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let list = arguments.list(0) else { return nil }
        return try evaluator.produce(list + arguments.values.dropFirst())
    }

    private static func concatenate(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard case .list(let lists) = arguments[0] else { return nil }
        var result: [FEELValue] = []
        for element in lists {
            guard case .list(let part) = element else {
                if element.isNull { return nil }
                result.append(element)
                continue
            }
            try evaluator.produce(bytes: part.count * MemoryLayout<FEELValue>.stride)
            result.append(contentsOf: part)
        }
        return .list(result)
    }

    private static func duplicates(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let list = arguments.list(0) else { return nil }
        var result: [FEELValue] = []
        for value in try evaluator.distinct(list) {
            var count = 0
            for element in list where count < 2 {
                try evaluator.step()
                if try evaluator.equal(element, value) == true { count += 1 }
            }
            if count > 1 { result.append(value) }
        }
        return try evaluator.produce(result)
    }

    private static func sublist(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let list = arguments.list(0), let start = arguments.index(1, count: list.count) else { return nil }
        var end = list.count
        if !arguments[2].isNull {
            guard let length = arguments.integer(2), length >= 0 else { return nil }
            end = start + min(length, list.count - start)
        }
        return try evaluator.produce(Array(list[start..<end]))
    }

    private static func replace(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard var list = arguments.list(0) else { return nil }
        if let match = arguments.function(1) {
            for index in list.indices {
                switch try evaluator.invoke(match, [list[index], arguments[2]]) {
                case .boolean(true): list[index] = arguments[2]
                case .boolean(false): continue
                default: return nil
                }
            }
            return try evaluator.produce(list)
        }
        guard let index = arguments.index(1, count: list.count) else { return nil }
        list[index] = arguments[2]
        return try evaluator.produce(list)
    }
}

extension BuiltinArguments {
    /// A position as an index into a list; nil outside of it.
    func index(_ argument: Int, count: Int) -> Int? {
        guard let position = self.integer(argument), position != 0, position.magnitude <= count else { return nil }
        return position > 0 ? position - 1 : count + position
    }
}

extension Evaluator {
    /// Where a value first occurs.
    mutating func position(of value: FEELValue, in list: [FEELValue]) throws(FEELEvaluationError) -> Int? {
        for index in list.indices {
            try self.step()
            if try self.equal(list[index], value) == true { return index }
        }
        return nil
    }

    /// The first of each group of equal values.
    mutating func distinct(_ list: [FEELValue]) throws(FEELEvaluationError) -> [FEELValue] {
        var result: [FEELValue] = []
        for value in list where try self.position(of: value, in: result) == nil { result.append(value) }
        return result
    }

    mutating func flatten(
        _ list: [FEELValue],
        into result: inout [FEELValue],
        depth: Int
    ) throws(FEELEvaluationError) {
        if depth > self.environment.depthLimit { throw .depthLimitExceeded(self.environment.depthLimit) }
        for element in list {
            try self.step()
            if case .list(let inner) = element {
                try self.flatten(inner, into: &result, depth: depth + 1)
            } else {
                result.append(element)
            }
        }
    }
}
