/// A regular expression of XPath and XQuery (Functions and Operators 3.0, section 5.6), compiled to a small program.
/// Flags: `s` (the point matches line ends), `m` (anchors match at lines), `i` (ignore case), `x` (ignore blanks), `q`
/// (everything is literal).
struct RegularExpression: Sendable {
    enum Instruction: Sendable {
        case scalar(Unicode.Scalar)
        case any
        case set(CharacterSet)
        case lineStart
        case lineEnd
        case wordBoundary(isNegated: Bool)
        case backReference(Int)
        /// Tries the first target, then the second.
        case split(Int, Int)
        case jump(Int)
        /// Stores the position: 2n where group n starts, 2n + 1 where it ends.
        case save(Int)
        /// Stores the position at which a repetition starts a turn.
        case mark(Int)
        /// Fails if the turn that started at the mark has consumed nothing.
        case progress(Int)
        case match
    }

    /// Where an expression matched.
    struct Match: Sendable {
        /// All groups, the whole match first; nil for a group that took no part.
        let groups: [Range<Int>?]
        let range: Range<Int>
    }

    struct Flags: Sendable {
        var isDotAll = false
        var isMultiline = false
        var isCaseInsensitive = false
        var ignoresBlanks = false
        var isLiteral = false

        init?(_ text: String) {
            for scalar in text.unicodeScalars {
                switch scalar {
                case "s": self.isDotAll = true
                case "m": self.isMultiline = true
                case "i": self.isCaseInsensitive = true
                case "x": self.ignoresBlanks = true
                case "q": self.isLiteral = true
                default: return nil
                }
            }
        }
    }

    let program: [Instruction]
    let groupCount: Int
    let markCount: Int
    let flags: Flags

    /// Compiles an expression; nil if it or the flags are malformed, or too large.
    init?(_ source: String, flags: String) {
        guard let flags = Flags(flags), source.utf8.count <= 16_384 else { return nil }
        var compiler = RegularExpressionCompiler(source, flags)
        guard compiler.compile() else { return nil }
        self.program = compiler.program
        self.groupCount = compiler.groupCount
        self.markCount = compiler.markCount
        self.flags = flags
    }
}

/// A set of characters, with a set taken out of it.
indirect enum CharacterSet: Sendable {
    case range(Unicode.Scalar, Unicode.Scalar)
    case property(@Sendable (Unicode.Scalar) -> Bool)
    case negated(CharacterSet)
    case union([CharacterSet])
    case difference(CharacterSet, CharacterSet)

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .range(let first, let last): first <= scalar && scalar <= last
        case .property(let test): test(scalar)
        case .negated(let set): !set.contains(scalar)
        case .union(let sets): sets.contains { $0.contains(scalar) }
        case .difference(let set, let other): set.contains(scalar) && !other.contains(scalar)
        }
    }

    /// Whether any case of a character belongs to the set. What is taken out or negated is so in every case.
    func containsIgnoringCase(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .negated(let set): !set.containsIgnoringCase(scalar)
        case .difference(let set, let other): set.containsIgnoringCase(scalar) && !other.containsIgnoringCase(scalar)
        case .union(let sets): sets.contains { $0.containsIgnoringCase(scalar) }
        case .range, .property: scalar.cases.contains { self.contains($0) }
        }
    }
}

extension Unicode.Scalar {
    /// The character itself, its lower and its upper case, as far as they are single characters.
    var cases: [Unicode.Scalar] {
        var result = [self]
        for text in [self.properties.lowercaseMapping, self.properties.uppercaseMapping] {
            let scalars = Array(text.unicodeScalars)
            if scalars.count == 1, scalars[0] != self { result.append(scalars[0]) }
        }
        // The Kelvin and the Ångström sign have a lower case whose upper case is another character.
        for scalar in result.dropFirst() {
            let upper = Array(scalar.properties.uppercaseMapping.unicodeScalars)
            if upper.count == 1, !result.contains(upper[0]) { result.append(upper[0]) }
        }
        return result
    }

    /// One character that stands for all cases of this one.
    var folded: Unicode.Scalar {
        if self.isASCII { return "A"..."Z" ~= self ? Unicode.Scalar(UInt8(self.value) + 32) : self }
        let lower = Array(self.properties.lowercaseMapping.unicodeScalars)
        return lower.count == 1 ? lower[0] : self
    }
}
