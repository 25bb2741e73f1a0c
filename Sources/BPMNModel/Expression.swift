/// A value in a model: written out, or an expression to evaluate.
package enum ModelExpression: Hashable, Sendable {
    /// Text that stands for itself.
    case literal(String)
    /// A FEEL expression, without its leading `=`.
    case feel(String)
}

/// One input or output mapping (`zeebe:ioMapping`). Order matters: later sources see earlier targets.
package struct VariableMapping: Hashable, Sendable {
    /// Where the value comes from; nil gives null.
    package var source: ModelExpression?
    /// The path to write, split at its dots; never empty.
    package var target: [String]

    package init(source: ModelExpression?, target: [String]) {
        self.source = source
        self.target = target
    }
}
