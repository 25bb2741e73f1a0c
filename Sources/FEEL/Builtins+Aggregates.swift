/// Functions of many numbers or truth values (DMN 1.3, table 75).
extension BuiltinFunction {
    static let aggregates: [BuiltinFunction] = [
        BuiltinFunction("sum", "list...") { _, arguments in
            guard let numbers = BuiltinFunction.numbers(arguments) else { return nil }
            return numbers.isEmpty ? .null : BuiltinFunction.sum(numbers).map(FEELValue.number)
        },
        BuiltinFunction("product", "list...") { _, arguments in
            guard let numbers = BuiltinFunction.numbers(arguments), !numbers.isEmpty else { return nil }
            var product = Decimal.one
            for number in numbers {
                guard let next = product.multiplied(by: number) else { return nil }
                product = next
            }
            return .number(product)
        },
        BuiltinFunction("mean", "list...") { _, arguments in
            guard let numbers = BuiltinFunction.numbers(arguments) else { return nil }
            return numbers.isEmpty ? .null : BuiltinFunction.mean(numbers).map(FEELValue.number)
        },
        BuiltinFunction("median", "list...") { _, arguments in
            guard let numbers = BuiltinFunction.numbers(arguments)?.sorted() else { return nil }
            if numbers.isEmpty { return .null }
            let middle = numbers.count / 2
            if numbers.count % 2 == 1 { return .number(numbers[middle]) }
            return BuiltinFunction.mean([numbers[middle - 1], numbers[middle]]).map(FEELValue.number)
        },
        BuiltinFunction("stddev", "list...") { _, arguments in
            BuiltinFunction.numbers(arguments).flatMap(BuiltinFunction.deviation).map(FEELValue.number)
        },
        BuiltinFunction("mode", "list...") { _, arguments in
            BuiltinFunction.numbers(arguments).map { .list(BuiltinFunction.mode($0).map(FEELValue.number)) }
        },
        BuiltinFunction("all", "list...") { _, arguments in
            BuiltinFunction.junction(arguments, decisive: false)
        },
        BuiltinFunction("any", "list...") { _, arguments in
            BuiltinFunction.junction(arguments, decisive: true)
        },
        BuiltinFunction("and", "list...") { _, arguments in
            BuiltinFunction.junction(arguments, decisive: false)
        },
        BuiltinFunction("or", "list...") { _, arguments in
            BuiltinFunction.junction(arguments, decisive: true)
        },
    ]

    private static func numbers(_ arguments: BuiltinArguments) -> [Decimal]? {
        guard let list = arguments.list(0) else { return nil }
        var numbers: [Decimal] = []
        numbers.reserveCapacity(list.count)
        for element in list {
            guard case .number(let number) = element else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private static func sum(_ numbers: [Decimal]) -> Decimal? {
        var sum = Decimal.zero
        for number in numbers {
            guard let next = sum.adding(number) else { return nil }
            sum = next
        }
        return sum
    }

    private static func mean(_ numbers: [Decimal]) -> Decimal? {
        BuiltinFunction.sum(numbers)?.divided(by: Decimal(numbers.count))
    }

    /// The deviation of a sample, so with one less than the count below.
    private static func deviation(_ numbers: [Decimal]) -> Decimal? {
        guard numbers.count > 1, let mean = BuiltinFunction.mean(numbers) else { return nil }
        var squares: [Decimal] = []
        for number in numbers {
            guard let distance = number.subtracting(mean), let square = distance.multiplied(by: distance) else {
                return nil
            }
            squares.append(square)
        }
        return BuiltinFunction.sum(squares)?.divided(by: Decimal(numbers.count - 1))?.squareRoot
    }

    /// The most frequent numbers, ascending.
    private static func mode(_ numbers: [Decimal]) -> [Decimal] {
        var groups: [(number: Decimal, count: Int)] = []
        for number in numbers.sorted() {
            if let last = groups.last, last.number == number {
                groups[groups.count - 1].count += 1
            } else {
                groups.append((number, 1))
            }
        }
        let most = groups.map(\.count).max() ?? 0
        return groups.filter { $0.count == most }.map(\.number)
    }

    /// Three-valued `all` and `any`: a decisive element decides, otherwise null makes the result null. Anything that is
    /// neither a boolean nor null is refused.
    private static func junction(_ arguments: BuiltinArguments, decisive: Bool) -> FEELValue? {
        guard let list = arguments.list(0) else { return nil }
        var hasNull = false
        var isDecided = false
        for element in list {
            switch element {
            case .boolean(let boolean): isDecided = isDecided || boolean == decisive
            case .null: hasNull = true
            default: return nil
            }
        }
        if isDecided { return .boolean(decisive) }
        return hasNull ? .null : .boolean(!decisive)
    }
}
