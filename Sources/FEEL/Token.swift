/// A token of FEEL source.
struct Token: Equatable {
    enum Kind: Equatable {
        case name
        case quotedName
        case number
        case string
        case keyword(Keyword)
        case symbol(Symbol)
        case end
    }

    enum Keyword: String, CaseIterable {
        case `if`, then, `else`, `for`, `in`, `return`, some, every, satisfies
        case and, or, between, instance, function, external, `true`, `false`, null
    }

    enum Symbol: String {
        case plus = "+"
        case minus = "-"
        case star = "*"
        case slash = "/"
        case power = "**"
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case openParenthesis = "("
        case closeParenthesis = ")"
        case openBracket = "["
        case closeBracket = "]"
        case openBrace = "{"
        case closeBrace = "}"
        case comma = ","
        case colon = ":"
        case dot = "."
        case range = ".."
        case at = "@"
        case arrow = "->"
        /// A character that stands only inside names such as `don't`.
        case apostrophe = "'"
        case other = "unexpected character"
    }

    let kind: Kind
    /// Where the token starts in the source's UTF-8.
    let start: Int
    /// Where it ends.
    let end: Int
}
