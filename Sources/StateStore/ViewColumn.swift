import ProcessEngine

/// The names that the tables of one level of a query go by. A view of instances calls its own table `instance` as well,
/// a view of definitions `definition`.
struct TableAliases: Hashable, Sendable {
    var own: String
    var instance: String
    var definition: String
}

/// Tables that are joined to the view's own one when something of theirs is needed.
struct JoinedTables: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let instance = JoinedTables(rawValue: 1)
    /// The definition is found through the instance.
    static let definition = JoinedTables(rawValue: 3)
}

/// How a view's field is read from the tables.
struct ViewColumn: Sendable {
    /// What a filter may make of the stored form, so that an index can be used.
    enum Form: Sendable {
        /// The expression's value is what filters and rows hold.
        case plain
        /// Stored values stand for words: the raw column, and the values of each word.
        case words(raw: @Sendable (TableAliases) -> String, stored: [String: [ViewValue]])
        /// A boolean with a condition that finds the true rows faster than testing each.
        case condition(@Sendable (TableAliases) -> String)
    }

    var joins: JoinedTables
    /// SQL of the value that the view shows.
    var expression: @Sendable (TableAliases) -> String
    var form: Form
    /// The value never falls while the row's key grows, so an order by it is the order by key: keys are given out one
    /// after the other, and the group's time never goes back.
    var followsKey: Bool

    private init(
        joins: JoinedTables,
        form: Form = .plain,
        followsKey: Bool = false,
        expression: @escaping @Sendable (TableAliases) -> String
    ) {
        self.joins = joins
        self.expression = expression
        self.form = form
        self.followsKey = followsKey
    }

    /// A column of the view's own table.
    static func own(_ name: String, followsKey: Bool = false) -> ViewColumn {
        ViewColumn(joins: [], followsKey: followsKey) { "\($0.own).\(name)" }
    }

    /// A column of the process instance that the row belongs to.
    static func instance(_ name: String) -> ViewColumn {
        ViewColumn(joins: .instance) { "\($0.instance).\(name)" }
    }

    /// A column of the definition of the process instance that the row belongs to.
    static func definition(_ name: String) -> ViewColumn {
        ViewColumn(joins: .definition) { "\($0.definition).\(name)" }
    }

    /// SQL over the view's own table.
    static func computed(_ expression: @escaping @Sendable (TableAliases) -> String) -> ViewColumn {
        ViewColumn(joins: [], expression: expression)
    }

    /// A boolean over the view's own table; `whenTrue` is a condition that a filter for true uses instead.
    static func boolean(
        _ expression: @escaping @Sendable (TableAliases) -> String,
        whenTrue: @escaping @Sendable (TableAliases) -> String
    ) -> ViewColumn {
        ViewColumn(joins: [], form: .condition(whenTrue), expression: expression)
    }

    /// The same for every row. `literal` is SQL.
    static func constant(_ literal: String) -> ViewColumn { ViewColumn(joins: []) { _ in literal } }

    /// A column of small numbers, each of which stands for a word. A word may have several numbers.
    static func words(_ column: String, _ words: [(word: String, numbers: [Int64])]) -> ViewColumn {
        var stored: [String: [ViewValue]] = [:]
        var cases = ""
        for (word, values) in words {
            stored[word] = values.map { .integer($0) }
            for value in values { cases += " WHEN \(value) THEN '\(word)'" }
        }
        return .words(column, stored: stored, cases: cases)
    }

    /// A column with the kind of an element as the model names it (`serviceTask`), shown in upper snake case; kinds
    /// that are not among the given ones are shown as UNKNOWN.
    static func kind(_ column: String, _ kinds: [String]) -> ViewColumn {
        var stored: [String: [ViewValue]] = [:]
        var cases = ""
        for kind in kinds {
            let word = KindName.shown(kind)
            stored[word] = [.text(kind)]
            cases += " WHEN '\(kind)' THEN '\(word)'"
        }
        return .words(column, stored: stored, cases: cases + " ELSE 'UNKNOWN'")
    }

    private static func words(_ column: String, stored: [String: [ViewValue]], cases: String) -> ViewColumn {
        ViewColumn(joins: [], form: .words(raw: { "\($0.own).\(column)" }, stored: stored)) {
            "CASE \($0.own).\(column)\(cases) END"
        }
    }
}

/// Names of element kinds.
private enum KindName {
    /// Lower camel case as upper snake case.
    static func shown(_ kind: String) -> String {
        var word = ""
        for letter in kind {
            if letter.isUppercase { word += "_" }
            word += letter.uppercased()
        }
        return word
    }
}
