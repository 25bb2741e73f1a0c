/// Conversion functions (DMN 1.3, table 72).
extension BuiltinFunction {
    static let conversions: [BuiltinFunction] = [
        BuiltinFunction("string", "from") { evaluator, arguments throws(FEELEvaluationError) in
            if arguments[0].isNull { return .null }
            var text = ""
            try evaluator.write(arguments[0], to: &text, depth: 0)
            return try evaluator.produce(text)
        },
        BuiltinFunction(
            "number",
            "from | from, grouping separator | from, grouping separator, decimal separator",
            number
        ),
        BuiltinFunction("boolean", "from") { _, arguments in
            switch arguments[0] {
            case .boolean: return arguments[0]
            case .string("true"): return .boolean(true)
            case .string("false"): return .boolean(false)
            default: return nil
            }
        },
        BuiltinFunction("to json", "value") { evaluator, arguments throws(FEELEvaluationError) in
            var text = ""
            try evaluator.writeJSON(arguments[0], to: &text, depth: 0)
            return try evaluator.produce(text)
        },
        BuiltinFunction("from json", "value") { evaluator, arguments throws(FEELEvaluationError) in
            guard let text = arguments.string(0) else { return nil }
            var reader = JSONReader(text)
            return try reader.read(&evaluator)
        },
    ]

    private static func number(
        _ evaluator: inout Evaluator,
        _ arguments: BuiltinArguments
    ) throws(FEELEvaluationError) -> FEELValue? {
        if arguments.count == 1, case .number = arguments[0] { return arguments[0] }
        guard var text = arguments.string(0).map({ Array($0.utf8) }), text.count <= 1024 else { return nil }
        guard let grouping = BuiltinFunction.separator(arguments[1]), arguments.signature != 1 || grouping != nil,
            let decimal = BuiltinFunction.separator(arguments[2]), grouping == nil || grouping != decimal
        else { return nil }
        // A lone grouping separator may not be the point that stands for the decimals by default.
        guard decimal != nil || grouping != 0x2E else { return nil }
        if arguments.signature == 1 && (grouping == 0x2E || grouping == 0x2C && text.contains(0x2E) == false) {
            return nil
        }
        if let grouping { text.removeAll { $0 == grouping } }
        if let decimal, decimal == 0x2C {
            guard !text.contains(0x2E) else { return nil }
            for index in text.indices where text[index] == 0x2C { text[index] = 0x2E }
        }
        return Decimal(utf8: text).map(FEELValue.number)
    }

    /// A separator that is allowed, or nil where none is given; nil altogether if it is not allowed.
    private static func separator(_ value: FEELValue) -> UInt8?? {
        switch value {
        case .null: .some(nil)
        case .string(" "): .some(0x20)
        case .string(","): .some(0x2C)
        case .string("."): .some(0x2E)
        default: nil
        }
    }
}

extension Evaluator {
    /// Writes a value as `string()` shows it: a string bare at the top, quoted inside lists and contexts.
    mutating func write(_ value: FEELValue, to text: inout String, depth: Int) throws(FEELEvaluationError) {
        try self.enterText(text, depth)
        switch value {
        case .null: text += "null"
        case .boolean(let boolean): text += boolean ? "true" : "false"
        case .number(let number): text += number.description
        case .string(let string): text += depth == 0 ? string : "\"\(string)\""
        case .date(let date): text += date.description
        case .time(let time): text += time.description
        case .dateTime(let dateTime): text += dateTime.description
        case .daysTimeDuration(let duration): text += duration.description
        case .yearsMonthsDuration(let duration): text += duration.description
        case .list(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                try self.write(element, to: &text, depth: depth + 1)
            }
            text += "]"
        case .context(let context):
            text += "{"
            for (index, entry) in context.entries.enumerated() {
                text += index > 0 ? ", " : ""
                text += "\(entry.key): "
                try self.write(entry.value, to: &text, depth: depth + 1)
            }
            text += "}"
        case .range(let range): try self.write(range, to: &text, depth: depth)
        case .function(let function): text += "function(\(function.parameterNames.joined(separator: ", ")))"
        }
    }

    private mutating func write(
        _ range: FEELRange,
        to text: inout String,
        depth: Int
    ) throws(FEELEvaluationError) {
        if let comparison = range.comparison {
            text += "(\(comparison.rawValue) "
            try self.write(range.start.isNull ? range.end : range.start, to: &text, depth: depth + 1)
            text += ")"
            return
        }
        text += range.isStartIncluded ? "[" : "("
        try self.write(range.start, to: &text, depth: depth + 1)
        text += ".."
        try self.write(range.end, to: &text, depth: depth + 1)
        text += range.isEndIncluded ? "]" : ")"
    }

    private mutating func enterText(_ text: String, _ depth: Int) throws(FEELEvaluationError) {
        try self.step()
        if depth > self.environment.depthLimit { throw .depthLimitExceeded(self.environment.depthLimit) }
        if text.utf8.count > self.environment.memoryLimitBytes {
            throw .memoryLimitExceeded(self.environment.memoryLimitBytes)
        }
    }

    /// Writes a value as JSON; temporal values and ranges become strings, functions null.
    mutating func writeJSON(_ value: FEELValue, to text: inout String, depth: Int) throws(FEELEvaluationError) {
        try self.enterText(text, depth)
        switch value {
        case .null, .function: text += "null"
        case .boolean, .number: try self.write(value, to: &text, depth: depth)
        case .string(let string): JSONReader.quote(string, to: &text)
        case .list(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                try self.writeJSON(element, to: &text, depth: depth + 1)
            }
            text += "]"
        case .context(let context):
            text += "{"
            for (index, entry) in context.entries.enumerated() {
                if index > 0 { text += "," }
                JSONReader.quote(entry.key, to: &text)
                text += ":"
                try self.writeJSON(entry.value, to: &text, depth: depth + 1)
            }
            text += "}"
        case .range, .date, .time, .dateTime, .daysTimeDuration, .yearsMonthsDuration:
            var bare = ""
            try self.write(value, to: &bare, depth: depth)
            JSONReader.quote(bare, to: &text)
        }
    }
}
