/// A parsed FEEL expression (DMN 1.3 with the additions of Camunda 8). Parsed once, it can be evaluated any number of
/// times.
package struct FEELExpression: Sendable {
    /// The text it was parsed from, without a leading `=`.
    package let source: String
    /// The names of the variables it reads, in the order of their first occurrence. Names inside filters are included,
    /// although they may turn out to be entries of the filtered elements.
    package let variableNames: [String]
    private let root: Node

    /// Parses an expression. Variables whose names contain blanks or operators must be given as `knownNames`.
    package init(
        _ source: String,
        limits: FEELLimits = .default,
        knownNames: [String] = []
    ) throws(FEELSyntaxError) {
        var parser = try Parser(source, limits, knownNames: knownNames)
        self.source = source
        self.root = try parser.parseAll()
        self.variableNames = parser.free
    }

    /// Evaluates the expression. What is missing or of the wrong type becomes null with a warning; only limits are
    /// errors.
    package func evaluate(
        _ scope: some FEELScope,
        environment: FEELEnvironment
    ) throws(FEELEvaluationError) -> FEELResult {
        var evaluator = Evaluator(scope: scope, environment: environment)
        let value = try evaluator.evaluate(self.root)
        try evaluator.checkSize(of: value)
        return FEELResult(value: value, warnings: evaluator.warnings)
    }
}
