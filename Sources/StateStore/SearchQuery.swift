import ProcessEngine

/// A search, checked and made ready to be asked of one database after the other: the same texts serve all of them.
///
/// The order of the rows and the rows themselves are read apart: sorting handles the sort values and keys alone, and
/// only the rows of the page are read in full.
struct SearchQuery: Sendable {
    /// Rows of a page.
    static let rowLimit = 10_000

    let table: ViewTable
    /// The order in which rows are looked for: the reverse of the asked one for what lies before a cursor.
    let order: SearchOrder
    /// The rows are found last first.
    let isReversed: Bool
    let limit: Int
    /// Rows to pass over.
    let offset: Int
    /// The place after which the rows lie, in the order of this query.
    let start: SearchEntry?

    private let aliases: TableAliases
    private let joins: JoinedTables
    private let condition: SQLText

    init(_ request: SearchRequest) throws {
        guard (1...Self.rowLimit).contains(request.limit) else {
            throw SearchError.invalid("Expected a limit from 1 to \(Self.rowLimit), but got \(request.limit)")
        }
        self.table = ViewTable.of(request.view)
        self.aliases = self.table.aliases(level: 0)
        self.limit = request.limit
        let order = try SearchOrder(view: request.view, sort: request.sort)
        switch request.position {
        case .offset(let offset):
            guard offset >= 0 else { throw SearchError.invalid("Expected an offset of 0 or more, but got \(offset)") }
            (self.offset, self.start, self.order, self.isReversed) = (offset, nil, order, false)
        case .after(let cursor):
            (self.offset, self.order, self.isReversed) = (0, order, false)
            self.start = try Self.entry(cursor, request)
        case .before(let cursor):
            (self.offset, self.order, self.isReversed) = (0, order.reversed(), true)
            self.start = try Self.entry(cursor, request)
        }
        var joins: JoinedTables = []
        var condition = try SearchCondition.sql(
            request.filter,
            on: self.table,
            aliases: self.aliases,
            joins: &joins
        )
        if let base = self.table.condition { condition.append(" AND \(base(self.aliases))") }
        self.condition = condition
        self.joins = joins
    }

    private static func entry(_ cursor: [ViewValue], _ request: SearchRequest) throws -> SearchEntry {
        guard cursor.count == request.sort.count + 1, case .integer(let key)? = cursor.last else {
            throw SearchError.invalid(
                "Expected a cursor of \(request.sort.count) sort values and a key, but got another one"
            )
        }
        let fields = request.view.fields
        for (criterion, value) in zip(request.sort, cursor) {
            let isText = fields[criterion.field].type.isText
            if value == .null || value.isText == isText { continue }
            throw SearchError.invalid(
                "Expected a cursor with a \(isText ? "text" : "number") for '\(fields[criterion.field].name)', "
                    + "but got another value"
            )
        }
        return SearchEntry(values: Array(cursor.dropLast()), key: key, source: 0)
    }

    /// SQL of the first rows after `start`: the values of the order's criteria, the key, the key of the instance. The
    /// last parameter is the number of rows.
    func scan(after start: SearchEntry?) -> SQLText {
        let criteria = self.order.sortedCriteria
        var joins = self.joins
        var columns = ""
        var positions = ""
        for (index, criterion) in criteria.enumerated() {
            joins.formUnion(criterion.column.joins)
            columns += "\(criterion.column.expression(self.aliases)), "
            positions += "\(index + 1)\(criterion.isDescending ? " DESC" : ""), "
        }
        let key = "\(self.aliases.own).\(self.table.keyColumn)"
        var sql = SQLText()
        sql.append("SELECT \(columns)\(key), \(self.table.instanceKey(self.aliases))")
        sql.append(" FROM \(self.table.source(self.aliases, joining: joins)) WHERE ")
        if let start {
            let cursor = CursorCondition(
                criteria: criteria,
                isKeyDescending: self.order.isKeyDescending,
                key: key,
                aliases: self.aliases
            )
            sql.append(cursor.sql(after: start))
            sql.append(" AND ")
        }
        sql.append(self.condition)
        sql.append(" ORDER BY \(positions)\(key)\(self.order.isKeyDescending ? " DESC" : "") LIMIT ?")
        return sql
    }

    /// SQL of the number of rows; counting ends at the last parameter.
    var count: SQLText {
        var sql = SQLText()
        sql.append("SELECT count(*) FROM (SELECT 1")
        self.appendUnordered(to: &sql)
        sql.append(" LIMIT ?)")
        return sql
    }

    /// SQL of the key of the instance of each row, in any order.
    var instances: SQLText {
        var sql = SQLText()
        sql.append("SELECT \(self.table.instanceKey(self.aliases))")
        self.appendUnordered(to: &sql)
        return sql
    }

    private func appendUnordered(to sql: inout SQLText) {
        sql.append(" FROM \(self.table.source(self.aliases, joining: self.joins)) WHERE ")
        sql.append(self.condition)
    }
}

/// The condition that a row comes after a place in an order.
///
/// A comparison of row values would be shorter, but SQL leaves it undecided for null, and it knows one direction only.
private struct CursorCondition {
    let criteria: [SearchOrder.Criterion]
    let isKeyDescending: Bool
    let key: String
    let aliases: TableAliases

    func sql(after place: SearchEntry) -> SQLText {
        var sql = SQLText()
        // Lets an index find the place; the rest of the condition repeats it in full.
        if let first = self.criteria.first, place.values[0] != .null, !(first.isDescending && first.isNullable) {
            sql.append("\(first.column.expression(self.aliases)) \(first.isDescending ? "<=" : ">=") ")
            sql.append(value: place.values[0])
            sql.append(" AND ")
        }
        for (index, criterion) in self.criteria.enumerated() {
            let expression = criterion.column.expression(self.aliases)
            sql.append("(")
            self.appendStrict(criterion, expression, place.values[index], to: &sql)
            sql.append(" OR \(expression) IS ")
            sql.append(value: place.values[index])
            sql.append(" AND ")
        }
        sql.append("\(self.key) \(self.isKeyDescending ? "<" : ">") ")
        sql.append(value: .integer(place.key))
        sql.append(String(repeating: ")", count: self.criteria.count))
        return sql
    }

    private func appendStrict(
        _ criterion: SearchOrder.Criterion,
        _ expression: String,
        _ value: ViewValue,
        to sql: inout SQLText
    ) {
        switch (value, criterion.isDescending) {
        case (.null, false): sql.append("\(expression) IS NOT NULL")
        case (.null, true): sql.append("0")
        case (_, false):
            sql.append("\(expression) > ")
            sql.append(value: value)
        case (_, true):
            sql.append("(\(expression) < ")
            sql.append(value: value)
            sql.append(criterion.isNullable ? " OR \(expression) IS NULL)" : ")")
        }
    }
}
