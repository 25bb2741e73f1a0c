/// Parsed unary tests (DMN 1.3, 10.3.1.2, grammar rule 17), as in the cells of a decision table.
package struct FEELUnaryTests: Sendable {
    /// The text it was parsed from.
    package let source: String
    private let tests: [Node]
    private let isNegated: Bool

    /// Parses `-`, `not(…)` or tests separated by commas. In a test, `?` is the value that is tested.
    package init(_ source: String, limits: FEELLimits = .default, knownNames: [String] = []) throws(FEELSyntaxError) {
        self.source = source
        var parser = try Parser(source, limits, knownNames: knownNames)
        if parser.token.kind == .symbol(.minus), parser.token(after: 1).kind == .end {
            self.tests = []
            self.isNegated = false
            return
        }
        let isNot = parser.token.kind == .name && parser.text(parser.token) == "not"
        self.isNegated = isNot && parser.token(after: 1).kind == .symbol(.openParenthesis)
        if self.isNegated {
            parser.advance()
            parser.advance()
        }
        var tests: [Node] = []
        repeat { tests.append(try parser.unaryTest()) } while parser.skip(.comma)
        if self.isNegated { try parser.expect(.closeParenthesis) }
        guard parser.token.kind == .end else { throw parser.error("`,` or the end") }
        self.tests = tests
    }

    /// True or false as the value passes the tests; null with a warning where that cannot be said.
    package func evaluate(
        _ value: FEELValue,
        scope: some FEELScope,
        environment: FEELEnvironment
    ) throws(FEELEvaluationError) -> FEELResult {
        if self.tests.isEmpty { return FEELResult(value: .boolean(true), warnings: []) }
        var evaluator = Evaluator(scope: scope, environment: environment)
        evaluator.bindings.append(.variable("?", value))
        var result: FEELValue = .boolean(false)
        for test in self.tests {
            let outcome = try evaluator.passes(value, test: test)
            if outcome == true {
                result = .boolean(true)
                break
            }
            if outcome == nil { result = .null }
        }
        if self.isNegated, case .boolean(let passed) = result { result = .boolean(!passed) }
        return FEELResult(value: result, warnings: evaluator.warnings)
    }
}
