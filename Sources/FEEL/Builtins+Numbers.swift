/// Numeric functions (DMN 1.3, table 76).
extension BuiltinFunction {
    static let numbers: [BuiltinFunction] = [
        BuiltinFunction("decimal", "n, scale") { _, arguments in BuiltinFunction.rounded(arguments, .halfEven) },
        BuiltinFunction("floor", "n | n, scale") { _, arguments in BuiltinFunction.rounded(arguments, .floor) },
        BuiltinFunction("ceiling", "n | n, scale") { _, arguments in BuiltinFunction.rounded(arguments, .ceiling) },
        BuiltinFunction("round up", "n, scale") { _, arguments in BuiltinFunction.rounded(arguments, .up) },
        BuiltinFunction("round down", "n, scale") { _, arguments in BuiltinFunction.rounded(arguments, .down) },
        BuiltinFunction("round half up", "n, scale") { _, arguments in BuiltinFunction.rounded(arguments, .halfUp) },
        BuiltinFunction("round half down", "n, scale") { _, arguments in
            BuiltinFunction.rounded(arguments, .halfDown)
        },
        BuiltinFunction("abs", "n", absolute),
        BuiltinFunction("modulo", "dividend, divisor") { _, arguments in
            guard let dividend = arguments.number(0), let divisor = arguments.number(1) else { return nil }
            return dividend.modulo(divisor).map(FEELValue.number)
        },
        BuiltinFunction("sqrt", "number") { _, arguments in arguments.number(0)?.squareRoot.map(FEELValue.number) },
        BuiltinFunction("log", "number") { _, arguments in
            arguments.number(0)?.naturalLogarithm.map(FEELValue.number)
        },
        BuiltinFunction("exp", "number") { _, arguments in arguments.number(0)?.exponential.map(FEELValue.number) },
        BuiltinFunction("odd", "number") { _, arguments in
            BuiltinFunction.parity(arguments).map { .boolean($0 == .one) }
        },
        BuiltinFunction("even", "number") { _, arguments in
            BuiltinFunction.parity(arguments).map { .boolean($0.isZero) }
        },
    ]

    private static func rounded(_ arguments: BuiltinArguments, _ mode: Decimal.RoundingMode) -> FEELValue? {
        guard let number = arguments.number(0) else { return nil }
        if arguments.count == 1 { return number.rounded(toScale: 0, mode).map(FEELValue.number) }
        guard let scale = arguments.integer(1), (-Decimal.maximalExponent)...(-Decimal.minimalExponent) ~= scale else {
            return nil
        }
        return number.rounded(toScale: scale, mode).map(FEELValue.number)
    }

    private static func absolute(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        switch arguments[0] {
        case .number(let number): return .number(number.magnitude)
        case .daysTimeDuration(let duration):
            let length = duration.totalNanoseconds
            return FEELDaysTimeDuration(totalNanoseconds: length < 0 ? -length : length).map(FEELValue.daysTimeDuration)
        case .yearsMonthsDuration(let duration):
            guard duration.months != .min else { return nil }
            return .yearsMonthsDuration(FEELYearsMonthsDuration(months: abs(duration.months)))
        default: return nil
        }
    }

    private static func parity(_ arguments: BuiltinArguments) -> Decimal? {
        arguments.number(0)?.modulo(Decimal(2))
    }
}
