import BPMNModel
import FEEL

/// Finds variables for an expression: from the innermost scope outwards, read only when asked for.
private final class VariableLookup: FEELScope {
    private let execution: Execution
    private let chain: [Key]
    private let instance: Key
    /// Values that are not stored yet, by name; they hide stored ones.
    private let overlay: [String: FEELValue]
    private(set) var failure: (any Error)?

    init(execution: Execution, chain: [Key], instance: Key, overlay: [String: FEELValue]) {
        self.execution = execution
        self.chain = chain
        self.instance = instance
        self.overlay = overlay
    }

    func value(of name: String) -> FEELValue? {
        if let value = overlay[name] { return value }
        guard failure == nil else { return nil }
        do {
            for scope in chain {
                if let found = try execution.state.variable(name, scope: scope, processInstance: instance) {
                    return try VariableConversion.value(of: found.value)
                }
            }
        } catch {
            failure = error
        }
        return nil
    }
}

extension Execution {
    /// The scopes an element instance sees, innermost first.
    func scopeChain(_ record: ElementInstanceRecord) throws -> [Key] {
        var chain = [record.key]
        var next = record.scopeKey
        while let scope = next {
            chain.append(scope)
            if scope == record.processInstanceKey { break }
            next = try state.elementInstance(scope)?.scopeKey
        }
        return chain
    }

    /// Evaluates an expression as the element instance sees it.
    ///
    /// - Throws: `StepFailure` when a limit stops it.
    func evaluate(
        _ expression: ModelExpression,
        in active: ActiveElement,
        chain: [Key],
        overlay: [String: FEELValue] = [:]
    ) throws -> FEELValue {
        switch expression {
        case .literal(let text): return .string(text)
        case .feel(let source):
            let parsed = try active.instance.process.expression(source)
            let lookup = VariableLookup(
                execution: self,
                chain: chain,
                instance: active.instance.key,
                overlay: overlay
            )
            let result: FEELResult
            do {
                result = try parsed.evaluate(lookup, environment: expressionEnvironment())
            } catch {
                throw StepFailure(
                    type: .extractValue,
                    message: "Expected a value of the expression '\(source)', but it was stopped: \(error)"
                )
            }
            if let failure = lookup.failure { throw failure }
            return result.value
        }
    }

    /// Evaluates an expression of a definition, outside of any instance: no variables.
    func evaluateStatic(_ expression: ModelExpression, process: CompiledProcess) throws -> FEELValue {
        switch expression {
        case .literal(let text): return .string(text)
        case .feel(let source):
            do {
                return try process.expression(source).evaluate(FEELContext(), environment: expressionEnvironment())
                    .value
            } catch let failure as FEELEvaluationError {
                throw StepFailure(type: .extractValue, message: "Expression '\(source)' was stopped: \(failure)")
            }
        }
    }

    private func expressionEnvironment() -> FEELEnvironment {
        evaluations += 1
        return FEELEnvironment(
            nowEpochMilliseconds: now,
            timeZoneRules: environment.timeZoneRules,
            stepLimit: environment.limits.expressionSteps,
            uuidSeed: UInt64(truncatingIfNeeded: now) &* 0x9E37_79B9_7F4A_7C15
                ^ UInt64(truncatingIfNeeded: keyCounter) << 20 ^ evaluations
        )
    }

    /// A text, as job types and the like need it.
    func evaluateString(
        _ expression: ModelExpression,
        _ what: String,
        in active: ActiveElement,
        chain: [Key]
    ) throws -> String {
        switch try evaluate(expression, in: active, chain: chain) {
        case .string(let text): return text
        case let other:
            throw StepFailure(
                type: .extractValue,
                message: "Expected \(what) of '\(active.element.id)' to be a STRING, but got \(other.typeName)"
            )
        }
    }

    /// A whole number, as retries and priorities need it.
    func evaluateInteger(
        _ expression: ModelExpression,
        _ what: String,
        in active: ActiveElement,
        chain: [Key]
    ) throws -> Int32 {
        let value = try evaluate(expression, in: active, chain: chain)
        let number: Int64? =
            switch value {
            case .number(let decimal): decimal.int64
            case .string(let text): Int64(text)
            default: nil
            }
        guard let number, let narrow = Int32(exactly: number) else {
            throw StepFailure(
                type: .extractValue,
                message: "Expected \(what) of '\(active.element.id)' to be a NUMBER, but got \(value.typeName)"
            )
        }
        return narrow
    }

    /// A correlation key: text, or a number written out.
    func evaluateCorrelationKey(
        _ expression: ModelExpression,
        in active: ActiveElement,
        chain: [Key]
    ) throws -> String {
        switch try evaluate(expression, in: active, chain: chain) {
        case .string(let text): return text
        case .number(let number): return number.description
        case let other:
            throw StepFailure(
                type: .extractValue,
                message: "Expected the correlation key of '\(active.element.id)' to be a STRING or a NUMBER, "
                    + "but got \(other.typeName)"
            )
        }
    }

    /// A list of names: a FEEL list of strings or text separated by commas.
    func evaluateNames(
        _ expression: ModelExpression?,
        _ what: String,
        in active: ActiveElement,
        chain: [Key]
    ) throws -> [String] {
        guard let expression else { return [] }
        let value = try evaluate(expression, in: active, chain: chain)
        switch value {
        case .null: return []
        case .string(let text):
            return text.split(separator: ",").map { $0.trimmingSpaces() }.filter { !$0.isEmpty }
        case .list(let items):
            return try items.map {
                guard case .string(let name) = $0 else {
                    throw StepFailure(
                        type: .extractValue,
                        message: "Expected \(what) of '\(active.element.id)' to be a list of STRING, "
                            + "but got \($0.typeName)"
                    )
                }
                return name
            }
        default:
            throw StepFailure(
                type: .extractValue,
                message: "Expected \(what) of '\(active.element.id)' to be a list, but got \(value.typeName)"
            )
        }
    }
}

extension Substring {
    func trimmingSpaces() -> String {
        var rest = self
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
