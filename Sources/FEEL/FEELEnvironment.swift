/// Everything an evaluation takes from outside besides its variables.
package struct FEELEnvironment: Sendable {
    /// What `now()` and `today()` say, in milliseconds since 1970-01-01T00:00:00Z.
    package var nowEpochMilliseconds: Int64
    /// The rules of named time zones.
    package var timeZoneRules: any TimeZoneRules
    /// How many steps (nodes evaluated, elements visited) an evaluation may take.
    package var stepLimit: Int
    /// How many bytes of strings and list elements an evaluation may produce altogether.
    package var memoryLimitBytes: Int
    /// How deep evaluations may nest, recursive functions included; sized for a stack of 512 KiB.
    package var depthLimit: Int
    /// What `uuid()` derives its results from: equal seeds give equal results.
    package var uuidSeed: UInt64

    /// An environment; without rules only UTC and fixed offsets are known.
    package init(
        nowEpochMilliseconds: Int64 = 0,
        timeZoneRules: any TimeZoneRules = FixedOffsetRules(),
        stepLimit: Int = 1_000_000,
        memoryLimitBytes: Int = 64 << 20,
        depthLimit: Int = 96,
        uuidSeed: UInt64 = 0
    ) {
        self.nowEpochMilliseconds = nowEpochMilliseconds
        self.timeZoneRules = timeZoneRules
        self.stepLimit = stepLimit
        self.memoryLimitBytes = memoryLimitBytes
        self.depthLimit = depthLimit
        self.uuidSeed = uuidSeed
    }
}

/// The value of an expression, and what was lenient about it.
package struct FEELResult: Sendable, Equatable {
    /// The value; null where FEEL has no other.
    package let value: FEELValue
    /// Why parts of the expression became null, in the order of evaluation, at most 64.
    package let warnings: [String]
}

/// Why an evaluation was given up.
package enum FEELEvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// More steps were needed than allowed.
    case stepLimitExceeded(Int)
    /// More strings and lists were produced than allowed, in bytes.
    case memoryLimitExceeded(Int)
    /// Expressions, functions or values were nested deeper than allowed.
    case depthLimitExceeded(Int)
    /// `assert` found its condition not true.
    case assertionFailed(String)

    /// The limit, or the cause given to `assert`.
    package var description: String {
        switch self {
        case .stepLimitExceeded(let limit): "Expected an evaluation of at most \(limit) steps, but got more"
        case .memoryLimitExceeded(let limit): "Expected an evaluation of at most \(limit) bytes, but got more"
        case .depthLimitExceeded(let limit): "Expected at most \(limit) levels of nesting, but got more"
        case .assertionFailed(let cause): "Expected the asserted condition to be true, but got: \(cause)"
        }
    }
}
