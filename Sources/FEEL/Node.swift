/// A parsed expression, ready to be evaluated. Chains of one precedence are flat, so that their length costs no stack.
indirect enum Node: Sendable {
    case constant(FEELValue)
    /// A temporal literal whose zone must be looked up in the rules of the evaluation.
    case zonedLiteral(FEELValue)
    case variable(String)
    case list([Node])
    case context([ContextEntry])
    case range(start: Node, end: Node, isStartIncluded: Bool, isEndIncluded: Bool)
    case unaryRange(ComparisonOperator, Node)
    case negation(Node)
    case arithmetic(ArithmeticOperator, Node, Node)
    case arithmeticChain(Node, [ArithmeticStep])
    case comparison(ComparisonOperator, Node, Node)
    case conjunction([Node])
    case disjunction([Node])
    case between(Node, lower: Node, upper: Node)
    case membership(Node, [Node])
    case instanceOf(Node, FEELType)
    case conditional([ConditionalBranch], otherwise: Node)
    case iteration(IterationNode)
    case quantified(isEvery: Bool, [IteratorNode], condition: Node)
    case postfix(Node, [PostfixStep])
    /// An invocation by name, with the built-in function of that name if there is one.
    case call(String, BuiltinFunction?, CallArguments)
    case function([FunctionParameter], body: Node)
}

enum ArithmeticOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case power = "**"
}

struct ArithmeticStep: Sendable {
    let operation: ArithmeticOperator
    let operand: Node
}

struct ContextEntry: Sendable {
    let key: String
    let value: Node
}

struct ConditionalBranch: Sendable {
    let condition: Node
    let value: Node
}

struct IterationNode: Sendable {
    let iterators: [IteratorNode]
    let body: Node
    /// True when the body reads the results so far.
    let usesPartial: Bool
}

struct IteratorNode: Sendable {
    let name: String
    let source: Node
    /// The other end of `first .. last`; nil when `source` is a list.
    let last: Node?
}

enum PostfixStep: Sendable {
    case property(String)
    case filter(Node)
    /// A filter that is a whole-number literal.
    case element(Int)
    case invoke(CallArguments)
}

struct CallArguments: Sendable {
    let values: [Node]
    /// The parameters' names of a named invocation, else empty.
    let names: [String]
}

struct FunctionParameter: Sendable {
    let name: String
    let type: FEELType
}

/// A type as written behind `instance of` and in functions' parameters.
indirect enum FEELType: Sendable, Equatable {
    case any
    case null
    case number
    case string
    case boolean
    case date
    case time
    case dateTime
    case daysTimeDuration
    case yearsMonthsDuration
    case list(FEELType)
    case range(FEELType)
    case context([ContextMember])
    case function
    /// A name that is none of FEEL's own types.
    case unknown(String)

    struct ContextMember: Sendable, Equatable {
        let name: String
        let type: FEELType
    }
}

/// A name in the scope of an expression.
enum Binding: Sendable {
    case variable(String, FEELValue)
    /// The element that a filter looks at: its entries are names, and so is `item`.
    case item(FEELValue)
    /// The entries of a context so far.
    case context(FEELContext)
}
