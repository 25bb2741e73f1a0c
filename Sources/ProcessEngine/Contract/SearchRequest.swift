/// How a filter compares.
package enum ComparisonOperator: Hashable, Sendable {
    case equal
    case notEqual
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
    /// Any of the values.
    case `in`
    case notIn
    /// Pattern with `*` and `?`, escaped by `\`.
    case like
    /// One boolean value: whether the field is not null.
    case exists
}

/// A condition on rows of a view.
package indirect enum SearchFilter: Hashable, Sendable {
    case all([SearchFilter])
    case any([SearchFilter])
    /// `field` is a position in the view's fields. `values` has one value except for `in` and `notIn`.
    case compare(field: Int, ComparisonOperator, values: [ViewValue])
    /// There is a row of another view that belongs to the same process instance and passes the filter.
    case related(ViewKind, SearchFilter)
    /// The process instance carries this tag.
    case tag(String)
}

/// One criterion of an order.
package struct SearchSort: Hashable, Sendable {
    package var field: Int
    package var isDescending: Bool

    package init(field: Int, isDescending: Bool) {
        self.field = field
        self.isDescending = isDescending
    }
}

/// Where a page stands. Cursors are the sort values of a row followed by its key.
package enum SearchPosition: Hashable, Sendable {
    case offset(Int)
    case after([ViewValue])
    case before([ViewValue])
}

/// A search over live state and history.
package struct SearchRequest: Hashable, Sendable {
    package var view: ViewKind
    package var filter: SearchFilter
    /// The key of the row is always the last criterion, ascending (descending if the last given one is).
    package var sort: [SearchSort]
    package var position: SearchPosition
    /// 1 to 10,000.
    package var limit: Int

    package init(
        view: ViewKind,
        filter: SearchFilter = .all([]),
        sort: [SearchSort] = [],
        position: SearchPosition = .offset(0),
        limit: Int = 100
    ) {
        self.view = view
        self.filter = filter
        self.sort = sort
        self.position = position
        self.limit = limit
    }
}

/// A page of rows.
package struct SearchPage: Hashable, Sendable {
    package var rows: [ViewRow]
    /// Number of rows that pass the filter; a lower bound where `hasMoreTotalItems` is set.
    package var totalItems: Int
    package var hasMoreTotalItems: Bool

    package init(rows: [ViewRow], totalItems: Int, hasMoreTotalItems: Bool) {
        self.rows = rows
        self.totalItems = totalItems
        self.hasMoreTotalItems = hasMoreTotalItems
    }
}
