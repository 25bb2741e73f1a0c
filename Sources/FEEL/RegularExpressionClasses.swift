/// Character classes and the escapes that stand for characters or sets of them.
extension RegularExpressionCompiler {
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation, .spaceSeparator, .lineSeparator, .paragraphSeparator, .control,
            .format, .surrogate, .privateUse, .unassigned:
            // XPath leaves punctuation out; the underscore is kept, as everyone expects of `\w`.
            scalar == "_"
        default: true
        }
    }

    /// An escape that stands for one character; nil, with nothing consumed, if it is none.
    mutating func singleEscape() -> Unicode.Scalar? {
        guard let scalar = self.next else { return nil }
        let result: Unicode.Scalar
        switch scalar {
        case "n": result = "\n"
        case "r": result = "\r"
        case "t": result = "\t"
        case "\\", "|", ".", "?", "*", "+", "(", ")", "{", "}", "$", "-", "[", "]", "^", "/", "\"", "'", ",", ":", ";",
            "@",
            "#", "%", "&", "=", "<", ">", "!", "~", "_", " ":
            result = scalar
        default: return nil
        }
        self.position += 1
        return result
    }

    /// An escape that stands for a set: `\s \d \w \i \c` and their opposites, `\p{…}` and `\P{…}`.
    mutating func setEscape() -> CharacterSet? {
        guard let scalar = self.next else { return nil }
        self.position += 1
        let set: CharacterSet?
        switch scalar.folded {
        case "s": set = .property { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
        case "d": set = .property { $0.properties.generalCategory == .decimalNumber }
        case "w": set = .property(RegularExpressionCompiler.isWord)
        case "i": set = .property { $0.properties.isAlphabetic || $0 == "_" || $0 == ":" }
        case "c":
            set = .property { scalar in
                scalar.properties.isAlphabetic || scalar.properties.generalCategory == .decimalNumber
                    || scalar == "_" || scalar == ":" || scalar == "-" || scalar == "." || scalar == "\u{B7}"
            }
        case "p": set = self.propertySet()
        default: set = nil
        }
        guard let set else { return nil }
        return scalar == scalar.folded ? set : .negated(set)
    }

    private mutating func propertySet() -> CharacterSet? {
        guard self.skip("{") else { return nil }
        var name = String.UnicodeScalarView()
        while let scalar = self.next, scalar != "}" {
            name.append(scalar)
            self.position += 1
        }
        guard self.skip("}") else { return nil }
        return UnicodeClass.named(String(name))
    }

    /// What follows `[`, up to its `]`.
    mutating func characterClass(depth: Int) -> CharacterSet? {
        guard depth < 8 else { return nil }
        let isNegated = self.skip("^")
        var members: [CharacterSet] = []
        var subtracted: CharacterSet?
        while let scalar = self.next, scalar != "]" || members.isEmpty {
            if scalar == "]" { return nil }
            if scalar == "-", self.position + 1 < self.source.count, self.source[self.position + 1] == "[" {
                self.position += 2
                guard !members.isEmpty, let other = self.characterClass(depth: depth + 1), self.next == "]" else {
                    return nil
                }
                subtracted = other
                break
            }
            guard let member = self.classMember() else { return nil }
            members.append(member)
        }
        guard self.skip("]") else { return nil }
        let set: CharacterSet = isNegated ? .negated(.union(members)) : .union(members)
        return subtracted.map { .difference(set, $0) } ?? set
    }

    /// A character, a range of characters or an escape for a set.
    private mutating func classMember() -> CharacterSet? {
        guard let first = self.classCharacter() else {
            // Only an escape can be anything but a character here.
            return self.setEscape()
        }
        guard self.next == "-", self.position + 1 < self.source.count, self.source[self.position + 1] != "]",
            self.source[self.position + 1] != "["
        else { return .range(first, first) }
        self.position += 1
        guard let last = self.classCharacter(), first <= last else { return nil }
        return .range(first, last)
    }

    /// One character; nil behind the backslash of an escape for a set.
    private mutating func classCharacter() -> Unicode.Scalar? {
        guard let scalar = self.next else { return nil }
        self.position += 1
        if scalar == "\\" { return self.singleEscape() }
        if scalar == "[" {
            self.position = self.source.count
            return nil
        }
        return scalar
    }
}

/// Classes of characters by the names that `\p{…}` takes: general categories and some blocks.
enum UnicodeClass {
    private static let blocks: [String: ClosedRange<UInt32>] = [
        "IsBasicLatin": 0x0000...0x007F, "IsLatin-1Supplement": 0x0080...0x00FF,
        "IsLatinExtended-A": 0x0100...0x017F, "IsLatinExtended-B": 0x0180...0x024F,
        "IsGreek": 0x0370...0x03FF, "IsGreekandCoptic": 0x0370...0x03FF, "IsCyrillic": 0x0400...0x04FF,
        "IsHebrew": 0x0590...0x05FF, "IsArabic": 0x0600...0x06FF, "IsGeneralPunctuation": 0x2000...0x206F,
        "IsCurrencySymbols": 0x20A0...0x20CF, "IsHiragana": 0x3040...0x309F, "IsKatakana": 0x30A0...0x30FF,
        "IsCJKUnifiedIdeographs": 0x4E00...0x9FFF, "IsEmoticons": 0x1F600...0x1F64F,
    ]

    static func named(_ name: String) -> CharacterSet? {
        if let block = UnicodeClass.blocks[name] { return .property { block.contains($0.value) } }
        guard let categories = UnicodeClass.categories[name] else { return nil }
        return .property { categories.contains($0.properties.generalCategory) }
    }

    private static let categories: [String: [Unicode.GeneralCategory]] = {
        let single: [String: Unicode.GeneralCategory] = [
            "Lu": .uppercaseLetter, "Ll": .lowercaseLetter, "Lt": .titlecaseLetter, "Lm": .modifierLetter,
            "Lo": .otherLetter, "Mn": .nonspacingMark, "Mc": .spacingMark, "Me": .enclosingMark, "Nd": .decimalNumber,
            "Nl": .letterNumber, "No": .otherNumber, "Pc": .connectorPunctuation, "Pd": .dashPunctuation,
            "Ps": .openPunctuation, "Pe": .closePunctuation, "Pi": .initialPunctuation, "Pf": .finalPunctuation,
            "Po": .otherPunctuation, "Sm": .mathSymbol, "Sc": .currencySymbol, "Sk": .modifierSymbol,
            "So": .otherSymbol, "Zs": .spaceSeparator, "Zl": .lineSeparator, "Zp": .paragraphSeparator,
            "Cc": .control, "Cf": .format, "Co": .privateUse, "Cn": .unassigned,
        ]
        var result: [String: [Unicode.GeneralCategory]] = [:]
        for name in single.keys.sorted() {
            guard let category = single[name] else { continue }
            result[name] = [category]
            result[String(name.prefix(1)), default: []].append(category)
        }
        return result
    }()
}
