/// Translates the source of a regular expression into a program. Groups nest by recursion, up to a limit.
struct RegularExpressionCompiler {
    let source: [Unicode.Scalar]
    let flags: RegularExpression.Flags
    var position = 0
    private(set) var program: [RegularExpression.Instruction] = []
    /// Groups opened so far, the whole match included.
    private(set) var groupCount = 1
    private(set) var markCount = 0
    private var closedGroups: Set<Int> = []
    private var depth = 0

    private static let depthLimit = 24
    private static let programLimit = 20_000

    init(_ source: String, _ flags: RegularExpression.Flags) {
        self.flags = flags
        let scalars = Array(source.unicodeScalars)
        self.source =
            flags.ignoresBlanks && !flags.isLiteral ? RegularExpressionCompiler.withoutBlanks(scalars) : scalars
    }

    /// Takes out blanks, except within the brackets of a character class.
    private static func withoutBlanks(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var level = 0
        var isEscaped = false
        for scalar in scalars {
            let isBlank = scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
            if isBlank && level == 0 { continue }
            if !isEscaped, scalar == "[" { level += 1 }
            if !isEscaped, scalar == "]" { level = max(level - 1, 0) }
            isEscaped = scalar == "\\" && !isEscaped
            result.append(scalar)
        }
        return result
    }

    /// True if the whole source was a regular expression.
    mutating func compile() -> Bool {
        if self.flags.isLiteral {
            self.program = [.save(0)] + self.source.map { .scalar($0) } + [.save(1), .match]
            return true
        }
        self.program = [.save(0)]
        guard self.alternatives(), self.position == self.source.count else { return false }
        self.program += [.save(1), .match]
        return self.program.count <= RegularExpressionCompiler.programLimit
    }

    var next: Unicode.Scalar? { self.position < self.source.count ? self.source[self.position] : nil }

    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard self.next == scalar else { return false }
        self.position += 1
        return true
    }

    private mutating func alternatives() -> Bool {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= RegularExpressionCompiler.depthLimit else { return false }
        var jumps: [Int] = []
        var start = self.program.count
        while true {
            guard self.sequence() else { return false }
            guard self.skip("|") else { break }
            // The alternative becomes the second branch of a split in front of what was compiled.
            guard self.insertSplit(at: start) else { return false }
            jumps.append(self.program.count)
            self.program.append(.jump(0))
            self.program[start] = .split(start + 1, self.program.count)
            start = self.program.count
        }
        for jump in jumps { self.program[jump] = .jump(self.program.count) }
        return true
    }

    /// Makes room for an instruction and moves the targets behind it.
    private mutating func insertSplit(at index: Int) -> Bool {
        guard self.program.count < RegularExpressionCompiler.programLimit else { return false }
        self.program =
            self.program[..<index] + [.match] + RegularExpressionCompiler.shifted(self.program[index...], by: 1)
        return true
    }

    private mutating func sequence() -> Bool {
        while let scalar = self.next, scalar != "|", scalar != ")" {
            let start = self.program.count
            guard self.atom(), self.quantifiers(from: start) else { return false }
        }
        return true
    }

    private mutating func atom() -> Bool {
        guard let scalar = self.next else { return false }
        self.position += 1
        switch scalar {
        case "(": return self.group()
        case "[":
            guard let set = self.characterClass(depth: 0) else { return false }
            self.program.append(.set(set))
        case ".": self.program.append(.any)
        case "^": self.program.append(.lineStart)
        case "$": self.program.append(.lineEnd)
        case "\\": return self.escape()
        case "*", "+", "?", "{", "}", "]": return false
        default: self.program.append(.scalar(scalar))
        }
        return true
    }

    private mutating func group() -> Bool {
        if self.skip("?") {
            guard self.skip(":") else { return false }
            return self.alternatives() && self.skip(")")
        }
        let group = self.groupCount
        guard group < 100 else { return false }
        self.groupCount += 1
        self.program.append(.save(2 * group))
        guard self.alternatives(), self.skip(")") else { return false }
        self.program.append(.save(2 * group + 1))
        self.closedGroups.insert(group)
        return true
    }

    private mutating func escape() -> Bool {
        guard let scalar = self.next else { return false }
        if let digit = scalar.digit {
            self.position += 1
            return self.backReference(digit)
        }
        if scalar == "b" || scalar == "B" {
            self.position += 1
            self.program.append(.wordBoundary(isNegated: scalar == "B"))
            return true
        }
        if let literal = self.singleEscape() {
            self.program.append(.scalar(literal))
            return true
        }
        guard let set = self.setEscape() else { return false }
        self.program.append(.set(set))
        return true
    }

    private mutating func backReference(_ first: Int) -> Bool {
        var group = first
        while let digit = self.next?.digit, self.closedGroups.contains(group * 10 + digit) {
            group = group * 10 + digit
            self.position += 1
        }
        guard self.closedGroups.contains(group) else { return false }
        self.program.append(.backReference(group))
        return true
    }

    // MARK: - Repetitions

    /// `?`, `*`, `+` or `{n,m}` behind an atom, each of them perhaps reluctant.
    private mutating func quantifiers(from start: Int) -> Bool {
        let lower: Int
        let upper: Int?
        switch self.next {
        case "?": (lower, upper) = (0, 1)
        case "*": (lower, upper) = (0, nil)
        case "+": (lower, upper) = (1, nil)
        case "{":
            self.position += 1
            guard let bounds = self.bounds() else { return false }
            (lower, upper) = bounds
        default: return true
        }
        self.position += 1
        let isReluctant = self.skip("?")
        return self.repeatAtom(from: start, lower, upper, isReluctant)
    }

    /// The numbers between braces, up to the closing one.
    private mutating func bounds() -> (Int, Int?)? {
        guard let lower = self.number() else { return nil }
        if self.next == "}" { return (lower, lower) }
        guard self.skip(",") else { return nil }
        if self.next == "}" { return (lower, nil) }
        guard let upper = self.number(), upper >= lower, self.next == "}" else { return nil }
        return (lower, upper)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = self.next?.digit {
            value = (value ?? 0) * 10 + digit
            guard let value, value <= 1000 else { return nil }
            self.position += 1
        }
        return value
    }

    /// Replaces the atom by copies of it: as many as there must be, then optional ones or a loop.
    private mutating func repeatAtom(from start: Int, _ lower: Int, _ upper: Int?, _ isReluctant: Bool) -> Bool {
        let end = self.program.count
        let length = end - start
        let copies = max(upper ?? lower + 1, 1)
        guard (length + 3) * copies + start <= RegularExpressionCompiler.programLimit else { return false }
        let saved = self.program
        self.program.removeLast(length)
        func copy(_ compiler: inout RegularExpressionCompiler) {
            let distance = compiler.program.count - start
            let source = RegularExpressionCompiler.shifted(saved[start..<end], by: distance)
            compiler.program += source
        }
        for _ in 0..<lower { copy(&self) }
        guard let upper else {
            let loop = self.program.count
            self.program.append(.match)
            self.program.append(.mark(self.markCount))
            copy(&self)
            self.program += [.progress(self.markCount), .jump(loop)]
            self.markCount += 1
            let (body, exit) = (loop + 1, self.program.count)
            self.program[loop] = isReluctant ? .split(exit, body) : .split(body, exit)
            return true
        }
        var splits: [Int] = []
        for _ in lower..<max(upper, lower) {
            splits.append(self.program.count)
            self.program.append(.match)
            copy(&self)
        }
        let exit = self.program.count
        for split in splits { self.program[split] = isReluctant ? .split(exit, split + 1) : .split(split + 1, exit) }
        return true
    }

    /// A copy of instructions whose targets within them are moved along.
    private static func shifted(
        _ instructions: ArraySlice<RegularExpression.Instruction>,
        by distance: Int
    ) -> [RegularExpression.Instruction] {
        instructions.map { instruction in
            switch instruction {
            case .split(let first, let second): .split(first + distance, second + distance)
            case .jump(let target): .jump(target + distance)
            case .scalar, .any, .set, .lineStart, .lineEnd, .wordBoundary, .backReference, .save, .mark, .progress,
                .match:
                instruction
            }
        }
    }
}
