/// String functions with regular expressions (DMN 1.3, table 74).
extension BuiltinFunction {
    static let patterns: [BuiltinFunction] = [
        BuiltinFunction("matches", "input, pattern, flags?") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0), let pattern = arguments.pattern(1, flags: 2) else { return nil }
            return .boolean(try evaluator.match(pattern, Array(text.unicodeScalars), from: 0) != nil)
        },
        BuiltinFunction("replace", "input, pattern, replacement, flags?", replace),
        BuiltinFunction("split", "string, delimiter", split),
        BuiltinFunction("extract", "input, pattern") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0), let pattern = arguments.pattern(1, flags: 2) else { return nil }
            let scalars = Array(text.unicodeScalars)
            var parts: [FEELValue] = []
            var position = 0
            while position <= scalars.count, let match = try evaluator.match(pattern, scalars, from: position) {
                parts.append(try evaluator.produce(match.range.text(of: scalars)))
                position = match.range.isEmpty ? match.range.upperBound + 1 : match.range.upperBound
            }
            return try evaluator.produce(parts)
        },
    ]

    private static func replace(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let text = arguments.string(0), let replacement = arguments.string(2),
            let pattern = arguments.pattern(1, flags: 3)
        else { return nil }
        let scalars = Array(text.unicodeScalars)
        let template = Array(replacement.unicodeScalars)
        var result = String.UnicodeScalarView()
        var position = 0
        var copied = 0
        while position <= scalars.count, let match = try evaluator.match(pattern, scalars, from: position) {
            try evaluator.produce(bytes: match.range.lowerBound - copied)
            result.append(contentsOf: scalars[copied..<match.range.lowerBound])
            guard try evaluator.expand(template, match, scalars, into: &result) else { return nil }
            copied = match.range.upperBound
            position = match.range.isEmpty ? match.range.upperBound + 1 : match.range.upperBound
        }
        result.append(contentsOf: scalars[copied...])
        return try evaluator.produce(String(result))
    }

    private static func split(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        guard let text = arguments.string(0), let pattern = arguments.pattern(1, flags: 2) else { return nil }
        let scalars = Array(text.unicodeScalars)
        var parts: [FEELValue] = []
        var start = 0
        var position = 0
        while position <= scalars.count, let match = try evaluator.match(pattern, scalars, from: position) {
            if match.range.isEmpty {
                // A delimiter that matches nothing splits between all characters.
                position = match.range.upperBound + 1
                guard match.range.lowerBound > start, match.range.lowerBound < scalars.count else { continue }
            } else {
                position = match.range.upperBound
            }
            parts.append(try evaluator.produce((start..<match.range.lowerBound).text(of: scalars)))
            start = match.range.upperBound
        }
        parts.append(try evaluator.produce((start..<scalars.count).text(of: scalars)))
        return try evaluator.produce(parts)
    }
}

extension Range<Int> {
    func text(of scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[self])
        return String(view)
    }
}

extension BuiltinArguments {
    /// A regular expression with its flags; nil if either is malformed.
    func pattern(_ index: Int, flags flagsIndex: Int) -> RegularExpression? {
        guard let source = self.string(index) else { return nil }
        switch self[flagsIndex] {
        case .null: return RegularExpression(source, flags: "")
        case .string(let flags): return RegularExpression(source, flags: flags)
        default: return nil
        }
    }
}

extension Evaluator {
    /// The first match at or behind a position, its steps counted as the evaluation's own.
    mutating func match(
        _ pattern: RegularExpression,
        _ scalars: [Unicode.Scalar],
        from start: Int
    ) throws(FEELEvaluationError) -> RegularExpression.Match? {
        var matcher = RegularExpressionMatcher(pattern, scalars, stepLimit: self.remainingSteps)
        let match = matcher.firstMatch(from: start)
        try self.step(count: matcher.stepCount)
        return match
    }

    /// Appends a replacement, in which `$n` is the n-th group, `\$` a dollar and `\\` a backslash. False if malformed.
    mutating func expand(
        _ template: [Unicode.Scalar],
        _ match: RegularExpression.Match,
        _ scalars: [Unicode.Scalar],
        into result: inout String.UnicodeScalarView
    ) throws(FEELEvaluationError) -> Bool {
        var index = 0
        while index < template.count {
            let scalar = template[index]
            index += 1
            if scalar == "\\" {
                guard index < template.count, template[index] == "\\" || template[index] == "$" else { return false }
                result.append(template[index])
                index += 1
            } else if scalar == "$" {
                guard index < template.count, var group = template[index].digit else { return false }
                index += 1
                // More digits belong to the number as long as there is such a group.
                while index < template.count, let digit = template[index].digit,
                    group * 10 + digit < match.groups.count
                {
                    group = group * 10 + digit
                    index += 1
                }
                guard group < match.groups.count, let range = match.groups[group] else { continue }
                try self.produce(bytes: range.count)
                result.append(contentsOf: scalars[range])
            } else {
                try self.produce(bytes: 1)
                result.append(scalar)
            }
        }
        return true
    }
}

extension Unicode.Scalar {
    /// The value of an ASCII digit.
    var digit: Int? { "0"..."9" ~= self ? Int(self.value - 0x30) : nil }
}
