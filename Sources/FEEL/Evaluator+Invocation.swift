/// Invocation of functions, built in or defined by expressions.
extension Evaluator {
    mutating func call(
        _ name: String,
        _ builtin: BuiltinFunction?,
        _ arguments: CallArguments
    ) throws(FEELEvaluationError) -> FEELValue {
        if !self.bindings.isEmpty, case .function(let function) = self.local(name) {
            return try self.invoke(function, arguments, name)
        }
        if let builtin { return try self.invoke(builtin, arguments) }
        if case .function(let function) = self.local(name) ?? self.global(name) {
            return try self.invoke(function, arguments, name)
        }
        return self.null("No function found with name '\(name)'")
    }

    mutating func invoke(_ value: FEELValue, _ arguments: CallArguments) throws(FEELEvaluationError) -> FEELValue {
        guard case .function(let function) = value else {
            return self.null("Expected a function to invoke, but got \(value.typeName)")
        }
        return try self.invoke(function, arguments, "function")
    }

    private mutating func invoke(
        _ function: FEELFunction,
        _ arguments: CallArguments,
        _ name: String
    ) throws(FEELEvaluationError) -> FEELValue {
        switch function.body {
        case .builtin(let builtin): return try self.invoke(builtin, arguments)
        case .lambda(let lambda):
            var values: [FEELValue] = []
            for argument in arguments.values { values.append(try self.evaluate(argument)) }
            guard values.count == lambda.parameters.count else {
                return self.null("Expected \(lambda.parameters.count) arguments of \(name), but got \(values.count)")
            }
            if !arguments.names.isEmpty {
                var ordered: [FEELValue] = []
                for parameter in lambda.parameters {
                    guard let position = arguments.names.firstIndex(of: parameter.name) else {
                        return self.null("Expected an argument '\(parameter.name)' of \(name), but got none")
                    }
                    ordered.append(values[position])
                }
                values = ordered
            }
            return try self.invoke(function, lambda, values)
        }
    }

    /// Invokes a function value with positional arguments.
    mutating func invoke(_ function: FEELFunction, _ values: [FEELValue]) throws(FEELEvaluationError) -> FEELValue {
        switch function.body {
        case .builtin(let builtin): return try self.invoke(builtin, values)
        case .lambda(let lambda):
            guard values.count == lambda.parameters.count else {
                return self.null("Expected \(lambda.parameters.count) arguments, but got \(values.count)")
            }
            return try self.invoke(function, lambda, values)
        }
    }

    private mutating func invoke(
        _ function: FEELFunction,
        _ lambda: FEELFunction.Lambda,
        _ values: [FEELValue]
    ) throws(FEELEvaluationError) -> FEELValue {
        var bindings = lambda.captured
        if let name = lambda.name { bindings.append(.variable(name, .function(function))) }
        for (parameter, value) in zip(lambda.parameters, values) {
            guard let argument = try self.coerce(value, to: parameter.type) else {
                return self.null("Expected an argument '\(parameter.name)' of its type, but got \(value.typeName)")
            }
            bindings.append(.variable(parameter.name, argument))
        }
        // An invocation takes more of the stack than other nodes, above all one from within a built-in function.
        try self.enter()
        swap(&self.bindings, &bindings)
        // Also when an error ends the evaluation, though nothing reads the names then.
        defer {
            self.bindings = bindings
            self.leave()
        }
        return try self.evaluate(lambda.body)
    }

    /// A value as a type: itself, or the only element of a list, or a list of itself; nil if it does not conform.
    mutating func coerce(_ value: FEELValue, to type: FEELType) throws(FEELEvaluationError) -> FEELValue? {
        if try self.conforms(value, to: type) { return value }
        if case .list(let elements) = value, elements.count == 1, try self.conforms(elements[0], to: type) {
            return elements[0]
        }
        if case .list(let element) = type, try self.conforms(value, to: element) { return .list([value]) }
        return nil
    }

    // MARK: - Built-in functions

    private mutating func invoke(
        _ builtin: BuiltinFunction,
        _ arguments: CallArguments
    ) throws(FEELEvaluationError) -> FEELValue {
        var values: [FEELValue] = []
        values.reserveCapacity(arguments.values.count)
        for argument in arguments.values { values.append(try self.evaluate(argument)) }
        if arguments.names.isEmpty { return try self.invoke(builtin, values) }
        for (index, signature) in builtin.signatures.enumerated() {
            guard let ordered = signature.ordered(values, arguments.names) else { continue }
            return try self.invoke(builtin, BuiltinArguments(ordered, signature: index))
        }
        return self.null("No parameters (\(arguments.names.joined(separator: ", "))) of function '\(builtin.name)'")
    }

    private mutating func invoke(
        _ builtin: BuiltinFunction,
        _ values: [FEELValue]
    ) throws(FEELEvaluationError) -> FEELValue {
        for (index, signature) in builtin.signatures.enumerated() {
            guard let ordered = signature.ordered(values) else { continue }
            return try self.invoke(builtin, BuiltinArguments(ordered, signature: index))
        }
        return self.null("Function '\(builtin.name)' does not take \(values.count) arguments")
    }

    private mutating func invoke(
        _ builtin: BuiltinFunction,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue {
        if let value = try builtin.body(&self, arguments) { return value }
        let types = arguments.values.map(\.typeName).joined(separator: ", ")
        return self.null("Failed to invoke function '\(builtin.name)' with (\(types))")
    }
}

extension FEELFunction {
    /// The same function able to call itself by a name, unless it has one already.
    func named(_ name: String) -> FEELFunction {
        guard case .lambda(let lambda) = self.body, lambda.name == nil else { return self }
        let named = Lambda(parameters: lambda.parameters, body: lambda.body, captured: lambda.captured, name: name)
        return FEELFunction(.lambda(named))
    }
}
