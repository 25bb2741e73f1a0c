/// Runs a compiled regular expression by backtracking on a stack of its own, within a number of steps.
struct RegularExpressionMatcher {
    /// How far the evaluation may be taken back.
    private enum Choice {
        case alternative(instruction: Int, position: Int)
        case slot(Int, previous: Int)
        case mark(Int, previous: Int)
    }

    private let expression: RegularExpression
    private let scalars: [Unicode.Scalar]
    private let stepLimit: Int
    /// The steps taken so far; above the limit once the search was given up.
    private(set) var stepCount = 0
    private var slots: [Int]
    private var marks: [Int]
    private var choices: [Choice] = []

    init(_ expression: RegularExpression, _ scalars: [Unicode.Scalar], stepLimit: Int) {
        self.expression = expression
        self.scalars = scalars
        self.stepLimit = stepLimit
        self.slots = Array(repeating: -1, count: 2 * expression.groupCount)
        self.marks = Array(repeating: -1, count: expression.markCount)
    }

    /// The first match that starts at or behind a position; nil if there is none or the steps are used up.
    mutating func firstMatch(from start: Int) -> RegularExpression.Match? {
        guard start <= self.scalars.count else { return nil }
        for position in start...self.scalars.count {
            if let end = self.run(from: position) {
                let groups = (0..<self.expression.groupCount).map { group -> Range<Int>? in
                    let (lower, upper) = (self.slots[2 * group], self.slots[2 * group + 1])
                    return lower < 0 || upper < lower ? nil : lower..<upper
                }
                return RegularExpression.Match(groups: groups, range: position..<end)
            }
            if self.stepCount > self.stepLimit { return nil }
        }
        return nil
    }

    private mutating func run(from start: Int) -> Int? {
        for index in self.slots.indices { self.slots[index] = -1 }
        self.choices.removeAll(keepingCapacity: true)
        var instruction = 0
        var position = start
        while true {
            self.stepCount += 1
            if self.stepCount > self.stepLimit { return nil }
            var isFailed = false
            switch self.expression.program[instruction] {
            case .match: return position
            case .jump(let target):
                instruction = target
                continue
            case .split(let first, let second):
                self.choices.append(.alternative(instruction: second, position: position))
                instruction = first
                continue
            case .save(let slot):
                self.choices.append(.slot(slot, previous: self.slots[slot]))
                self.slots[slot] = position
            case .mark(let mark):
                self.choices.append(.mark(mark, previous: self.marks[mark]))
                self.marks[mark] = position
            case .progress(let mark): isFailed = self.marks[mark] == position
            case .lineStart, .lineEnd, .wordBoundary:
                isFailed = !self.holds(self.expression.program[instruction], at: position)
            case .backReference(let group):
                if let length = self.referenceLength(group, at: position) {
                    position += length
                } else {
                    isFailed = true
                }
            case .scalar, .any, .set:
                isFailed = !self.consumes(self.expression.program[instruction], at: position)
                if !isFailed { position += 1 }
            }
            if !isFailed {
                instruction += 1
            } else if !self.backtrack(&instruction, &position) {
                return nil
            }
        }
    }

    /// Goes back to the last alternative; false if there is none.
    private mutating func backtrack(_ instruction: inout Int, _ position: inout Int) -> Bool {
        while let choice = self.choices.popLast() {
            switch choice {
            case .slot(let slot, let previous): self.slots[slot] = previous
            case .mark(let mark, let previous): self.marks[mark] = previous
            case .alternative(let target, let start):
                instruction = target
                position = start
                return true
            }
        }
        return false
    }

    private func consumes(_ instruction: RegularExpression.Instruction, at position: Int) -> Bool {
        guard position < self.scalars.count else { return false }
        let scalar = self.scalars[position]
        let ignoresCase = self.expression.flags.isCaseInsensitive
        switch instruction {
        case .scalar(let expected): return scalar == expected || ignoresCase && scalar.folded == expected.folded
        case .any: return self.expression.flags.isDotAll || scalar != "\n" && scalar != "\r"
        case .set(let set): return ignoresCase ? set.containsIgnoringCase(scalar) : set.contains(scalar)
        case .lineStart, .lineEnd, .wordBoundary, .backReference, .split, .jump, .save, .mark, .progress, .match:
            return false
        }
    }

    private func holds(_ instruction: RegularExpression.Instruction, at position: Int) -> Bool {
        let isMultiline = self.expression.flags.isMultiline
        switch instruction {
        case .lineStart:
            return position == 0 || isMultiline && position < self.scalars.count && self.scalars[position - 1] == "\n"
        case .lineEnd:
            return position == self.scalars.count || isMultiline && self.scalars[position] == "\n"
        case .wordBoundary(let isNegated):
            return (self.isWord(position - 1) != self.isWord(position)) != isNegated
        case .scalar, .any, .set, .backReference, .split, .jump, .save, .mark, .progress, .match: return false
        }
    }

    private func isWord(_ position: Int) -> Bool {
        self.scalars.indices.contains(position) && RegularExpressionCompiler.isWord(self.scalars[position])
    }

    /// The length of what a group matched, if the same stands at a position. A group that took no part matches nothing.
    private mutating func referenceLength(_ group: Int, at position: Int) -> Int? {
        let (lower, upper) = (self.slots[2 * group], self.slots[2 * group + 1])
        guard lower >= 0, upper >= lower else { return 0 }
        let length = upper - lower
        guard length <= self.scalars.count - position else { return nil }
        self.stepCount += length
        for offset in 0..<length {
            let (first, second) = (self.scalars[lower + offset], self.scalars[position + offset])
            guard first == second || self.expression.flags.isCaseInsensitive && first.folded == second.folded else {
                return nil
            }
        }
        return length
    }
}
