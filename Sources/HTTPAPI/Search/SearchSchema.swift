import ProcessEngine

/// What the documentation says about searching one view: the properties a filter may have, those a result may be
/// sorted by, and those an item has.
struct SearchSchema: Sendable {
    /// What a filter's property means.
    enum Rule: Sendable {
        /// A field of the view, by its type.
        case field(Int)
        /// A text field that holds one of the documented words.
        case words(Int, [String])
        /// A documented property that no row has here: it is null everywhere.
        case absent(ViewFieldType)
        /// A documented property with the same word in every row.
        case constant(String, words: [String])
        /// A field of another view's rows of the same process instance. The conditions of one filter on the same view
        /// must hold for the same row.
        case related(ViewKind, Int)
        /// `[{name, value}]`: the process instance has all these variables.
        case variables
        /// The process instance carries all these tags.
        case tags
        /// The JSON array in this field has the text as an element.
        case listMember(Int)
        /// Documented, but nothing here can answer it.
        case unsupported
    }

    /// Where an item's property comes from.
    enum Source: Sendable {
        case field(Int, ViewFieldType)
        /// The field, or another one where it is null.
        case fieldOr(Int, Int)
        case text(String)
        case null
    }

    let view: ViewKind
    /// Singular, for messages.
    let noun: String
    let filters: [(name: String, rule: Rule)]
    /// Field nil: documented, but null in every row, so it orders nothing.
    let sorts: [(name: String, field: Int?)]
    let items: [(name: String, source: Source)]
    /// Whether filters may have `$or`.
    let allowsAlternatives: Bool
}

extension ViewKind {
    /// The position of a field that is known to exist.
    func position(_ name: String) -> Int {
        guard let position = self.fields.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("Expected a field '\(name)' in the view '\(self.rawValue)'")
        }
        return position
    }
}

extension ViewValue {
    static func key(_ key: Key) -> ViewValue { .integer(key.rawValue) }
}

/// Short ways to write a schema down. Lists of names are texts of words.
struct SchemaBuilder {
    let view: ViewKind

    static func words(_ text: String) -> [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }

    /// Properties that are fields of the same name.
    func filters(_ names: String) -> [(name: String, rule: SearchSchema.Rule)] {
        Self.words(names).map { ($0, .field(self.view.position($0))) }
    }

    func filter(_ name: String, words: [String]) -> (name: String, rule: SearchSchema.Rule) {
        (name, .words(self.view.position(name), words))
    }

    func sorts(_ names: String) -> [(name: String, field: Int?)] {
        Self.words(names).map { ($0, self.view.position($0)) }
    }

    /// Items' properties that are fields of the same name.
    func items(_ names: String) -> [(name: String, source: SearchSchema.Source)] {
        Self.words(names).map { name in
            let position = self.view.position(name)
            return (name, .field(position, self.view.fields[position].type))
        }
    }
}
