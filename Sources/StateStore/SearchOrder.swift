import ProcessEngine

/// The order of a search: its criteria, then the key. Null comes first, last where descending; texts compare by their
/// bytes.
struct SearchOrder: Sendable {
    struct Criterion: Sendable {
        let column: ViewColumn
        let isText: Bool
        let isNullable: Bool
        var isDescending: Bool
    }

    /// More would be no use, and each makes the conditions of a cursor longer.
    static let criterionLimit = 8

    private(set) var criteria: [Criterion] = []
    private(set) var isKeyDescending: Bool
    /// The only criterion runs with the key, so ordering by the key alone gives the same order without sorting.
    let isByKeyAlone: Bool

    init(view: ViewKind, sort: [SearchSort]) throws {
        guard sort.count <= Self.criterionLimit else {
            throw SearchError.invalid(
                "Expected at most \(Self.criterionLimit) sort criteria, but got \(sort.count)"
            )
        }
        let fields = view.fields
        let columns = ViewTable.of(view).columns
        for criterion in sort {
            guard fields.indices.contains(criterion.field) else {
                throw SearchError.invalid(
                    "Expected a sort field from 0 to \(fields.count - 1), but got \(criterion.field)"
                )
            }
            self.criteria.append(
                Criterion(
                    column: columns[criterion.field],
                    isText: fields[criterion.field].type.isText,
                    isNullable: fields[criterion.field].isNullable,
                    isDescending: criterion.isDescending
                )
            )
        }
        self.isKeyDescending = sort.last?.isDescending ?? false
        let first = sort.first?.field
        self.isByKeyAlone = first == nil || first == 0 || sort.count == 1 && columns[first ?? 0].followsKey
        if first == 0 { self.isKeyDescending = sort[0].isDescending }
    }

    /// The criteria that have to be compared before the key is.
    var sortedCriteria: [Criterion] { self.isByKeyAlone ? [] : self.criteria }

    /// The same rows from the end to the beginning.
    func reversed() -> SearchOrder {
        var order = self
        for index in order.criteria.indices { order.criteria[index].isDescending.toggle() }
        order.isKeyDescending.toggle()
        return order
    }

    /// Whether an entry comes before another one.
    func precedes(_ left: SearchEntry, _ right: SearchEntry) -> Bool {
        for (index, criterion) in self.sortedCriteria.enumerated() {
            switch Self.compare(left.values[index], right.values[index]) {
            case 0: continue
            case let result: return (result < 0) != criterion.isDescending
            }
        }
        return self.isKeyDescending ? left.key > right.key : left.key < right.key
    }

    /// Negative, zero or positive, as SQLite orders values: null, numbers, texts.
    static func compare(_ left: ViewValue, _ right: ViewValue) -> Int {
        switch (left, right) {
        case (.null, .null): 0
        case (.null, _): -1
        case (_, .null): 1
        case (.integer(let left), .integer(let right)): left < right ? -1 : left > right ? 1 : 0
        case (.integer, .text): -1
        case (.text, .integer): 1
        case (.text(let left), .text(let right)):
            left.utf8.lexicographicallyPrecedes(right.utf8)
                ? -1 : right.utf8.lexicographicallyPrecedes(left.utf8) ? 1 : 0
        }
    }
}

extension ViewFieldType {
    /// Whether values are texts rather than numbers.
    var isText: Bool {
        switch self {
        case .key, .integer, .boolean, .date: false
        case .string, .enumeration, .json, .serializedJSON: true
        }
    }
}

extension ViewValue {
    var isText: Bool {
        switch self {
        case .null, .integer: false
        case .text: true
        }
    }
}

/// Where a row stands in the order, and where it is kept.
struct SearchEntry: Sendable {
    /// Values of the criteria, if the order has any but the key.
    var values: [ViewValue]
    var key: Int64
    /// Position of the database in the search's list.
    var source: Int
}
