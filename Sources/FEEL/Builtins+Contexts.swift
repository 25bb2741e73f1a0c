/// Context functions (DMN 1.4, table 79) and those of Camunda.
extension BuiltinFunction {
    private static let pathLengthLimit = 64

    static let contexts: [BuiltinFunction] = [
        BuiltinFunction("get value", "m, key | context, key | context, keys", value),
        BuiltinFunction("get entries", "m | context") { evaluator, arguments throws(FEELEvaluationError) in
            guard let context = arguments.context(0) else { return nil }
            let entries = context.entries.map { entry in
                FEELValue.context(FEELContext([("key", .string(entry.key)), ("value", entry.value)]))
            }
            return try evaluator.produce(entries)
        },
        BuiltinFunction("context put", "context, key, value | context, keys, value", put),
        BuiltinFunction("put", "context, key, value", put),
        BuiltinFunction("context merge", "contexts...", merge),
        BuiltinFunction("put all", "contexts...", merge),
        BuiltinFunction("context", "entries", context),
    ]

    private static func value(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let context = arguments.context(0) else { return nil }
        if let key = arguments.string(1) { return context[key] ?? .null }
        guard case .list(let keys) = arguments[1] else { return nil }
        var value = FEELValue.context(context)
        for key in keys {
            guard case .string(let name) = key else { return nil }
            guard case .context(let inner) = value, let next = inner[name] else { return .null }
            value = next
        }
        return value
    }

    private static func put(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let context = arguments.context(0) else { return nil }
        var keys: [String] = []
        switch arguments[1] {
        case .string(let key): keys = [key]
        case .list(let elements):
            for element in elements {
                guard case .string(let key) = element else { return nil }
                keys.append(key)
            }
        default: return nil
        }
        guard 1...BuiltinFunction.pathLengthLimit ~= keys.count else { return nil }
        return try BuiltinFunction.putting(&evaluator, arguments[2], into: context, keys[...]).map(FEELValue.context)
    }

    private static func putting(
        _ evaluator: inout Evaluator,
        _ value: FEELValue,
        into context: FEELContext,
        _ keys: ArraySlice<String>
    ) throws(FEELEvaluationError) -> FEELContext? {
        guard let key = keys.first else { return nil }
        try evaluator.produce(bytes: (context.count + 1) * MemoryLayout<FEELContext.Entry>.stride)
        try evaluator.step(count: context.count)
        var result = context
        if keys.count == 1 {
            result[key] = value
            return result
        }
        let inner: FEELContext
        switch context[key] {
        case .context(let entry): inner = entry
        case nil: inner = FEELContext()
        default: return nil
        }
        guard let part = try BuiltinFunction.putting(&evaluator, value, into: inner, keys.dropFirst()) else {
            return nil
        }
        result[key] = .context(part)
        return result
    }

    private static func merge(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let contexts = arguments.list(0) else { return nil }
        var result = FEELContext()
        for element in contexts {
            guard case .context(let context) = element else { return nil }
            try evaluator.step(count: context.count)
            try evaluator.produce(bytes: context.count * MemoryLayout<FEELContext.Entry>.stride)
            for entry in context.entries { result[entry.key] = entry.value }
        }
        return .context(result)
    }

    private static func context(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let entries = arguments.list(0) else { return nil }
        var result = FEELContext()
        for element in entries {
            try evaluator.step()
            guard case .context(let entry) = element, case .string(let key)? = entry["key"], let value = entry["value"],
                result[key] == nil
            else { return nil }
            result[key] = value
        }
        try evaluator.produce(bytes: result.count * MemoryLayout<FEELContext.Entry>.stride)
        return .context(result)
    }
}
