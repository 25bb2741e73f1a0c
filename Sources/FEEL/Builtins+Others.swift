/// Boolean functions and those that Camunda adds.
extension BuiltinFunction {
    static let others: [BuiltinFunction] = [
        BuiltinFunction("not", "negand") { _, arguments in
            switch arguments[0] {
            case .boolean(let boolean): return .boolean(!boolean)
            default: return nil
            }
        },
        BuiltinFunction("is", "value1?, value2?") { _, arguments in
            arguments.count == 0 ? nil : .boolean(arguments[0] == arguments[1])
        },
        BuiltinFunction("is defined", "value") { _, arguments in .boolean(!arguments[0].isNull) },
        BuiltinFunction("is null", "value") { _, arguments in .boolean(arguments[0].isNull) },
        BuiltinFunction("get or else", "value, default") { _, arguments in
            arguments[0].isNull ? arguments[1] : arguments[0]
        },
        BuiltinFunction("assert", "value, condition, cause?") { _, arguments throws(FEELEvaluationError) in
            if case .boolean(true) = arguments[1] { return arguments[0] }
            throw .assertionFailed(arguments.string(2) ?? "The condition is not fulfilled")
        },
        BuiltinFunction("cycle", "interval | repetitions, interval", cycle),
        BuiltinFunction(
            "fromAi",
            "value, description?, type?, schema?, options?"
        ) { _, arguments in arguments[0] },
    ]

    /// `R/interval` or `Rn/interval`, the ISO 8601 repetition that timers take.
    private static func cycle(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        let interval: String
        switch arguments[arguments.count - 1] {
        case .daysTimeDuration(let duration): interval = duration.description
        case .yearsMonthsDuration(let duration): interval = duration.description
        default: return nil
        }
        var repetitions = ""
        if arguments.count == 2, !arguments[0].isNull {
            guard let count = arguments.number(0)?.int64, count >= 0 else { return nil }
            repetitions = String(count)
        }
        return .string("R\(repetitions)/\(interval)")
    }
}
