import ProcessEngine

/// Turns a filter into SQL. Nothing of a filter but numbers of its structure gets into the text: values are bound.
struct SearchCondition {
    /// How deep filters may be nested, and related views within: SQLite's parser gives up when a statement has about a
    /// hundred unfinished parts, of which a related view takes nine, any other filter three.
    static let depthLimit = 10
    static let relatedLimit = 3
    /// How many conditions and values filters may have: SQLite's own limits are far above.
    static let conditionLimit = 256
    static let valueLimit = 2000

    private var conditions = 0
    private var values = 0
    private var levels = 1
    private var relatedDepth = 0

    /// The condition of a filter on the rows of a view.
    /// - Parameter joins: gets the tables that the condition needs beside the view's own.
    static func sql(
        _ filter: SearchFilter,
        on table: ViewTable,
        aliases: TableAliases,
        joins: inout JoinedTables
    ) throws -> SQLText {
        var condition = SearchCondition()
        return try condition.sql(filter, on: table, aliases: aliases, joins: &joins, depth: 1)
    }

    private mutating func sql(
        _ filter: SearchFilter,
        on table: ViewTable,
        aliases: TableAliases,
        joins: inout JoinedTables,
        depth: Int
    ) throws -> SQLText {
        guard depth <= Self.depthLimit else {
            throw SearchError.invalid("Expected filters nested at most \(Self.depthLimit) deep, but got more")
        }
        self.conditions += 1
        guard self.conditions <= Self.conditionLimit else {
            throw SearchError.invalid("Expected at most \(Self.conditionLimit) conditions, but got more")
        }
        switch filter {
        case .all(let filters):
            return try self.combine(filters, by: " AND ", none: "1", table, aliases, &joins, depth)
        case .any(let filters):
            return try self.combine(filters, by: " OR ", none: "0", table, aliases, &joins, depth)
        case .compare(let field, let comparison, let values):
            guard table.columns.indices.contains(field) else {
                throw SearchError.invalid(
                    "Expected a field from 0 to \(table.columns.count - 1), but got \(field)"
                )
            }
            self.values += values.count
            guard self.values <= Self.valueLimit else {
                throw SearchError.invalid("Expected at most \(Self.valueLimit) values in a filter, but got more")
            }
            joins.formUnion(table.columns[field].joins)
            return try FieldComparison(
                field: table.view.fields[field],
                column: table.columns[field],
                aliases: aliases
            ).sql(comparison, values)
        case .related(let view, let inner):
            return try self.related(view, inner, of: table, aliases: aliases, depth: depth)
        case .tag(let tag):
            return try self.tag(tag, on: table, aliases: aliases, joins: &joins)
        }
    }

    private mutating func combine(
        _ filters: [SearchFilter],
        by word: String,
        none: String,
        _ table: ViewTable,
        _ aliases: TableAliases,
        _ joins: inout JoinedTables,
        _ depth: Int
    ) throws -> SQLText {
        var result = SQLText()
        if filters.isEmpty {
            result.append(none)
            return result
        }
        result.append("(")
        for (index, filter) in filters.enumerated() {
            if index > 0 { result.append(word) }
            result.append(try self.sql(filter, on: table, aliases: aliases, joins: &joins, depth: depth + 1))
        }
        result.append(")")
        return result
    }

    private mutating func related(
        _ view: ViewKind,
        _ filter: SearchFilter,
        of outer: ViewTable,
        aliases outerAliases: TableAliases,
        depth: Int
    ) throws -> SQLText {
        let table = ViewTable.of(view)
        guard table.hasInstances, outer.hasInstances else {
            throw SearchError.invalid(
                "Expected related views whose rows belong to process instances, but got \(outer.view) and \(view)"
            )
        }
        guard self.relatedDepth < Self.relatedLimit else {
            throw SearchError.invalid(
                "Expected related views nested at most \(Self.relatedLimit) deep, but got more"
            )
        }
        self.relatedDepth += 1
        defer { self.relatedDepth -= 1 }
        let aliases = table.aliases(level: self.levels)
        self.levels += 1
        var joins: JoinedTables = []
        let condition = try self.sql(filter, on: table, aliases: aliases, joins: &joins, depth: depth + 1)
        var result = SQLText()
        result.append("EXISTS(SELECT 1 FROM \(table.source(aliases, joining: joins))")
        result.append(" WHERE \(table.instanceKey(aliases)) = \(outer.instanceKey(outerAliases)) AND ")
        if let base = table.condition { result.append("\(base(aliases)) AND ") }
        result.append(condition)
        result.append(")")
        return result
    }

    private mutating func tag(
        _ tag: String,
        on table: ViewTable,
        aliases: TableAliases,
        joins: inout JoinedTables
    ) throws -> SQLText {
        guard table.hasInstances else {
            throw SearchError.invalid("Expected a view of process instances for a tag, but got \(table.view)")
        }
        joins.formUnion(.instance)
        self.values += 1
        let tags = "\(aliases.instance).tags"
        var result = SQLText()
        result.append("(\(tags) <> '[]' AND EXISTS(SELECT 1 FROM json_each(\(tags)) AS tag WHERE tag.value = ")
        result.append(value: .text(tag))
        result.append("))")
        return result
    }
}
