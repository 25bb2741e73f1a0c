/// One evaluation: the names in scope, what it has cost so far, and its warnings.
struct Evaluator {
    private let scope: any FEELScope
    let environment: FEELEnvironment
    /// Names bound inside the expression, innermost last.
    var bindings: [Binding] = []
    private(set) var warnings: [String] = []
    /// How many results of `uuid()` were handed out.
    var uuidCount: UInt64 = 0
    private var stepCount = 0
    private var producedBytes = 0
    private var depth = 0

    private static let warningLimit = 64

    init(scope: any FEELScope, environment: FEELEnvironment) {
        self.scope = scope
        self.environment = environment
    }

    /// The value of a node. The kinds of nodes are dealt with in groups, which keeps the stack frames of the
    /// recursion small.
    mutating func evaluate(_ node: Node) throws(FEELEvaluationError) -> FEELValue {
        try self.step()
        switch node {
        case .constant(let value): return value
        case .variable(let name): return self.lookup(name)
        case .zonedLiteral(let value): return self.validated(value)
        case .arithmetic, .arithmeticChain, .comparison, .conjunction, .disjunction, .negation, .between, .membership,
            .instanceOf:
            try self.enter()
            defer { self.leave() }
            return try self.evaluateOperation(node)
        case .call, .postfix, .list, .context, .range, .unaryRange:
            try self.enter()
            defer { self.leave() }
            return try self.evaluateStructure(node)
        case .conditional, .iteration, .quantified, .function:
            try self.enter()
            defer { self.leave() }
            return try self.evaluateForm(node)
        }
    }

    private mutating func evaluateOperation(_ node: Node) throws(FEELEvaluationError) -> FEELValue {
        switch node {
        case .arithmetic(let operation, let left, let right): return try self.arithmetic(operation, left, right)
        case .arithmeticChain(let first, let steps): return try self.arithmeticChain(first, steps)
        case .comparison(let comparison, let left, let right): return try self.comparison(comparison, left, right)
        case .conjunction(let operands): return try self.junction(operands, decisive: false)
        case .disjunction(let operands): return try self.junction(operands, decisive: true)
        case .negation(let operand): return try self.negation(operand)
        case .between(let operand, let lower, let upper): return try self.between(operand, lower, upper)
        case .membership(let operand, let tests): return try self.membership(operand, tests)
        case .instanceOf(let operand, let type): return try self.instanceOf(operand, type)
        default: return .null
        }
    }

    private mutating func evaluateStructure(_ node: Node) throws(FEELEvaluationError) -> FEELValue {
        switch node {
        case .call(let name, let builtin, let arguments): return try self.call(name, builtin, arguments)
        case .postfix(let base, let steps): return try self.postfix(base, steps)
        case .list(let elements): return try self.list(elements)
        case .context(let entries): return try self.context(entries)
        case .range(let start, let end, let isStartIncluded, let isEndIncluded):
            return try self.range(start, end, isStartIncluded, isEndIncluded)
        case .unaryRange(let comparison, let operand):
            return .range(FEELRange(comparison, try self.evaluate(operand)))
        default: return .null
        }
    }

    private mutating func evaluateForm(_ node: Node) throws(FEELEvaluationError) -> FEELValue {
        switch node {
        case .conditional(let branches, let otherwise): return try self.conditional(branches, otherwise)
        case .iteration(let iteration): return try self.iteration(iteration)
        case .quantified(let isEvery, let iterators, let condition):
            return try self.quantified(isEvery, iterators, condition)
        case .function(let parameters, let body):
            let lambda = FEELFunction.Lambda(parameters: parameters, body: body, captured: self.bindings, name: nil)
            return .function(FEELFunction(.lambda(lambda)))
        default: return .null
        }
    }

    /// Counts one level of nesting; the caller counts it off by `leave`.
    mutating func enter() throws(FEELEvaluationError) {
        guard self.depth < self.environment.depthLimit else {
            throw .depthLimitExceeded(self.environment.depthLimit)
        }
        self.depth += 1
    }

    mutating func leave() {
        self.depth -= 1
    }

    // MARK: - Costs

    /// Counts one step.
    mutating func step() throws(FEELEvaluationError) {
        self.stepCount += 1
        if self.stepCount > self.environment.stepLimit { throw .stepLimitExceeded(self.environment.stepLimit) }
    }

    /// Counts steps that are taken at once.
    mutating func step(count: Int) throws(FEELEvaluationError) {
        let (sum, overflow) = self.stepCount.addingReportingOverflow(max(count, 0))
        self.stepCount = overflow ? .max - 1 : sum
        try self.step()
    }

    /// The steps that are left.
    var remainingSteps: Int { max(self.environment.stepLimit - self.stepCount, 0) }

    /// Counts bytes that a string or list takes.
    mutating func produce(bytes: Int) throws(FEELEvaluationError) {
        let (sum, overflow) = self.producedBytes.addingReportingOverflow(bytes)
        self.producedBytes = sum
        if overflow || sum > self.environment.memoryLimitBytes {
            throw .memoryLimitExceeded(self.environment.memoryLimitBytes)
        }
    }

    /// A string result, paid for.
    mutating func produce(_ text: String) throws(FEELEvaluationError) -> FEELValue {
        try self.produce(bytes: text.utf8.count)
        return .string(text)
    }

    /// A list result, paid for.
    mutating func produce(_ list: [FEELValue]) throws(FEELEvaluationError) -> FEELValue {
        try self.produce(bytes: list.count * MemoryLayout<FEELValue>.stride)
        return .list(list)
    }

    /// Bounds the size and depth of a value that leaves the evaluation or is stored for its later parts: shared parts
    /// count each time, because whoever writes the value out will meet them each time.
    mutating func checkSize(of value: FEELValue, depth: Int = 0) throws(FEELEvaluationError) {
        guard depth <= self.environment.depthLimit else {
            throw .depthLimitExceeded(self.environment.depthLimit)
        }
        switch value {
        case .list(let elements):
            try self.step(count: elements.count)
            for element in elements { try self.checkSize(of: element, depth: depth + 1) }
        case .context(let context):
            try self.step(count: context.count)
            for entry in context.entries { try self.checkSize(of: entry.value, depth: depth + 1) }
        case .string(let text): try self.step(count: text.utf8.count / 64)
        case .range, .null, .boolean, .number, .date, .time, .dateTime, .daysTimeDuration, .yearsMonthsDuration,
            .function:
            return
        }
    }

    /// Notes why something became null.
    mutating func warn(_ text: @autoclosure () -> String) {
        if self.warnings.count < Evaluator.warningLimit { self.warnings.append(text()) }
    }

    /// Null, with a warning.
    mutating func null(_ warning: @autoclosure () -> String) -> FEELValue {
        self.warn(warning())
        return .null
    }

    // MARK: - Names

    private mutating func lookup(_ name: String) -> FEELValue {
        if let value = self.local(name) { return value }
        if let value = self.scope.value(of: name) { return value }
        if let builtin = BuiltinFunction.all[name] { return .function(FEELFunction(.builtin(builtin))) }
        return self.null("No variable found with name '\(name)'")
    }

    /// The value of a name that the expression itself binds.
    func local(_ name: String) -> FEELValue? {
        var index = self.bindings.count
        while index > 0 {
            index -= 1
            switch self.bindings[index] {
            case .variable(let bound, let value):
                if bound == name { return value }
            case .item(let value):
                if case .context(let context) = value, let entry = context[name] { return entry }
                if name == "item" { return value }
            case .context(let context):
                if let entry = context[name] { return entry }
            }
        }
        return nil
    }

    /// The value of a variable given from outside.
    func global(_ name: String) -> FEELValue? { self.scope.value(of: name) }

    /// A temporal value if the rules know its zone, else null.
    mutating func validated(_ value: FEELValue) -> FEELValue {
        let zone: FEELZone?
        switch value {
        case .time(let time): zone = time.zone
        case .dateTime(let dateTime): zone = dateTime.time.zone
        default: return value
        }
        guard case .named(let name) = zone, self.offset(zone: name, utc: 0) == nil else { return value }
        return self.null("Expected a known time zone, but got '\(name)'")
    }

    func offset(zone: String, utc: Int64) -> Int? {
        self.environment.timeZoneRules.offsetSeconds(zone: zone, utcEpochSeconds: utc)
    }
}
