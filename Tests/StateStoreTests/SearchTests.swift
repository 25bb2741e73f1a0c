import ProcessEngine
import SQLite
import StateStore
import Testing

/// A world with a history, and what moves its rows there.
private struct MovingWorld {
    let world: SearchWorld
    let folder: HistoryFolder
    let archiver: HistoryArchiver
    let pool: ReaderPool
    var now: Int64 = 0
    /// In the history, and still in the state.
    var copied: [Key] = []

    init(seed: UInt64, instances: Int) throws {
        self.world = try SearchWorld(seed: seed)
        for _ in 0..<instances { try self.world.addInstance() }
        self.folder = try HistoryFolder(path: self.world.historyPath, group: 1)
        self.archiver = try HistoryArchiver(live: self.world.live, folder: self.folder, retention: .seconds(80))
        self.pool = ReaderPool(live: self.world.live, history: self.folder, readers: 2)
    }

    /// Something that an archiver and the writer do at any time.
    mutating func move() throws {
        switch Int.random(in: 0..<4, using: &self.world.generator) {
        case 0: self.now = min(self.now + 6_000, 120_000)
        case 1, 2:
            let limit = Int.random(in: 1...8, using: &self.world.generator)
            self.copied = try self.archiver.archive(limit: limit, now: self.now)
        default:
            let count = Int.random(in: 0...self.copied.count, using: &self.world.generator)
            try self.world.remove(Array(self.copied.prefix(count)))
            self.copied.removeFirst(count)
        }
    }
}

private func cursor(_ row: ViewRow, _ request: SearchRequest) -> [ViewValue] {
    request.sort.map { row.values[$0.field] } + [row.values[0]]
}

private let longText = ViewValue.text(String(repeating: "a", count: 3000))
private let manyWildcards = ViewValue.text(String(repeating: "*a", count: 33))

@Suite struct SearchTests {
    @Test(arguments: UInt64(1)...4)
    func `any search over state and history gives what a plain evaluation gives`(seed: UInt64) throws {
        // given
        var moving = try MovingWorld(seed: seed, instances: 40)
        for _ in 0..<30 { try moving.move() }
        let rows = moving.world.rows
        let oracle = SearchOracle(rows: rows)

        for _ in 0..<80 {
            // when
            var request = moving.world.generator.request(over: rows)
            let expected = oracle.all(request)
            let offset = Int.random(in: 0...(expected.count + 2), using: &moving.world.generator)
            request.position = .offset(offset)
            let page = try moving.pool.search(request)

            // then
            #expect(page.rows == Array(expected.dropFirst(offset).prefix(request.limit)), "\(request)")
            #expect(page.totalItems == expected.count && !page.hasMoreTotalItems, "\(request)")
        }
    }

    @Test(arguments: UInt64(11)...14)
    func `walking by cursors visits each row once while rows move to the history`(seed: UInt64) throws {
        // given
        var moving = try MovingWorld(seed: seed, instances: 24)
        let rows = moving.world.rows
        let oracle = SearchOracle(rows: rows)

        for _ in 0..<12 {
            var request = moving.world.generator.request(over: rows)
            request.limit = Int.random(in: 1...9, using: &moving.world.generator)
            let expected = oracle.all(request)

            // when
            var forward: [ViewRow] = []
            while forward.count <= expected.count {
                let page = try moving.pool.search(request)
                forward += page.rows
                guard page.rows.count == request.limit, let last = page.rows.last else { break }
                request.position = .after(cursor(last, request))
                try moving.move()
            }
            var backward: [ViewRow] = []
            if let last = expected.last { request.position = .before(cursor(last, request)) }
            while !expected.isEmpty, backward.count <= expected.count {
                let page = try moving.pool.search(request)
                backward = page.rows + backward
                guard page.rows.count == request.limit, let first = page.rows.first else { break }
                request.position = .before(cursor(first, request))
                try moving.move()
            }

            // then
            #expect(forward == expected, "\(request)")
            #expect(backward == expected.dropLast(), "\(request)")
        }
    }

    @Test func `rows are found by key in the state, in the history and in many partitions`() throws {
        // given: more partitions than SQLite can attach
        var moving = try MovingWorld(seed: 21, instances: 60)
        while !moving.world.finished.isEmpty {
            try moving.world.remove(try moving.archiver.archive(limit: 2, now: moving.now))
            moving.now += 10_000
        }
        #expect(moving.folder.partitions.count > 11)

        // when, then
        for view in ViewKind.allCases {
            let rows = try #require(moving.world.rows[view])
            for row in rows {
                guard case .integer(let key) = row.row.values[0] else { continue }
                #expect(try moving.pool.row(view, key: Key(key)) == row.row)
            }
            #expect(try moving.pool.row(view, key: Key(5)) == nil)
            let page = try moving.pool.search(SearchRequest(view: view, limit: 10_000))
            #expect(page.rows == rows.map { $0.row })
        }
        let definition = try #require(moving.world.definitionKeys.first)
        #expect(try moving.pool.definitionXML(Key(definition)) == [0x3C, 0x10])
        #expect(try moving.pool.definitionXML(Key(5)) == nil)
    }

    @Test func `an offset larger than what is held in memory is reached in steps`() throws {
        // given
        let world = try SearchWorld(seed: 31)
        let first = world.lastKey + 1
        try world.database.begin()
        for _ in 0..<25_000 {
            try world.insert(
                "variable",
                [.integer(world.nextKey()), .integer(1), .integer(1), .text("v\(world.lastKey)"), .text("1")]
            )
        }
        try world.database.commit()
        let pool = ReaderPool(live: world.live, history: nil)

        // when
        let page = try pool.search(SearchRequest(view: .variable, position: .offset(24_990), limit: 100))
        let beyond = try pool.search(SearchRequest(view: .variable, position: .offset(40_000), limit: 100))

        // then
        #expect(page.rows.map { $0.values[0] } == (24_990..<25_000).map { .integer(first + $0) })
        #expect(page.totalItems == 10_000 && page.hasMoreTotalItems)
        #expect(beyond.rows.isEmpty)
    }

    @Test func `null comes first, and last where the order descends`() throws {
        // given
        let world = try SearchWorld(seed: 41)
        for name in ["b", nil, "a"] {
            let key = world.nextKey()
            let values: [ViewValue] = [
                .integer(key), .integer(1), .integer(2), .text("u"), .null, .integer(0), .of(name), .text("[]"),
                .text("[]"), .null, .null, .integer(50), .null, .text("{}"), .integer(1), .null, .text("<default>"),
            ]
            try world.insert("user_task", values)
        }
        let pool = ReaderPool(live: world.live, history: nil)
        let assignee = try #require(ViewKind.userTask.fields.firstIndex { $0.name == "assignee" })

        // when
        let orders = try [false, true].map { isDescending in
            let sort = [SearchSort(field: assignee, isDescending: isDescending)]
            return try pool.search(SearchRequest(view: .userTask, sort: sort)).rows.map { $0.values[assignee] }
        }

        // then
        #expect(orders[0] == [.null, .text("a"), .text("b")])
        #expect(orders[1] == [.text("b"), .text("a"), .null])
    }

    @Test func `a search that would take too long ends with an error`() throws {
        // given
        let world = try SearchWorld(seed: 51)
        try world.database.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
            INSERT INTO variable SELECT i, 1, i, 'v', '1' FROM n
            """
        )
        let pool = ReaderPool(live: world.live, history: nil, readers: 1, timeLimit: .zero)
        let value = SearchFilter.compare(field: 2, .equal, values: [.text("2")])

        // when, then: more than once, for the connection is used again
        for _ in 0..<2 {
            #expect(throws: SearchError.timeLimit) {
                try pool.search(SearchRequest(view: .variable, filter: value))
            }
        }
    }

    @Test func `a closed pool refuses`() throws {
        let world = try SearchWorld(seed: 61)
        let pool = ReaderPool(live: world.live, history: nil)
        _ = try pool.search(SearchRequest(view: .job))

        pool.close()

        #expect(throws: SearchError.closed) { try pool.search(SearchRequest(view: .job)) }
    }

    @Test(arguments: [
        SearchRequest(view: .job, limit: 0),
        SearchRequest(view: .job, limit: 10_001),
        SearchRequest(view: .job, position: .offset(-1)),
        SearchRequest(view: .job, sort: [SearchSort(field: 99, isDescending: false)]),
        SearchRequest(view: .job, sort: [SearchSort(field: -1, isDescending: false)]),
        SearchRequest(view: .job, sort: Array(repeating: SearchSort(field: 1, isDescending: false), count: 9)),
        SearchRequest(view: .job, position: .after([])),
        SearchRequest(view: .job, position: .after([.text("a")])),
        SearchRequest(view: .job, position: .before([.integer(1), .integer(2)])),
        SearchRequest(
            view: .job,
            sort: [SearchSort(field: 1, isDescending: false)],
            position: .after([.integer(1), .integer(2)])
        ),
        SearchRequest(view: .job, filter: .compare(field: 24, .equal, values: [.text("a")])),
        SearchRequest(view: .job, filter: .compare(field: 0, .equal, values: [.text("a")])),
        SearchRequest(view: .job, filter: .compare(field: 1, .equal, values: [.integer(1)])),
        SearchRequest(view: .job, filter: .compare(field: 1, .equal, values: [])),
        SearchRequest(view: .job, filter: .compare(field: 1, .less, values: [.null])),
        SearchRequest(view: .job, filter: .compare(field: 1, .in, values: [.null])),
        SearchRequest(view: .job, filter: .compare(field: 0, .like, values: [.integer(1)])),
        SearchRequest(view: .job, filter: .compare(field: 0, .exists, values: [.integer(2)])),
        SearchRequest(view: .job, filter: .compare(field: 1, .like, values: [longText])),
        SearchRequest(view: .job, filter: .compare(field: 1, .like, values: [manyWildcards])),
        SearchRequest(view: .job, filter: .compare(field: 1, .in, values: Array(repeating: .text("a"), count: 2001))),
        SearchRequest(view: .job, filter: .any(Array(repeating: .all([]), count: 300))),
        SearchRequest(view: .job, filter: (0..<200).reduce(.all([])) { inner, _ in .any([inner]) }),
        SearchRequest(view: .job, filter: (0..<200).reduce(.all([])) { inner, _ in .related(.job, inner) }),
        SearchRequest(view: .job, filter: .related(.processDefinition, .all([]))),
        SearchRequest(view: .processDefinition, filter: .related(.job, .all([]))),
        SearchRequest(view: .processDefinition, filter: .tag("a")),
    ])
    func `a request that makes no sense is refused`(request: SearchRequest) throws {
        let world = try SearchWorld(seed: 71)
        let pool = ReaderPool(live: world.live, history: nil)

        let error = #expect(throws: SearchError.self) { try pool.search(request) }

        guard case .invalid(let reason)? = error else {
            Issue.record("Expected a request to be invalid, but got \(String(describing: error))")
            return
        }
        #expect(reason.hasPrefix("Expected "))
    }

    @Test func `the largest allowed filter is answered on a small stack`() throws {
        let world = try SearchWorld(seed: 81)
        try world.addInstance()
        let pool = ReaderPool(live: world.live, history: nil)
        let values = (0..<1_900).map { ViewValue.text("v\($0)") }
        let wide = SearchFilter.all(
            Array(repeating: .compare(field: 1, .notEqual, values: [.text("no")]), count: 90)
                + [.compare(field: 1, .notIn, values: values)]
        )
        let kind = SearchFilter.compare(field: 3, .like, values: [.text("*TASK")])
        let incident = SearchFilter.compare(field: 12, .equal, values: [.integer(0)])
        let inner = SearchFilter.all([.all([]), .any([.tag("a"), .all([incident, .tag("b")])])])
        let deep = (0..<3).reduce(inner) { inner, _ in .related(.processInstance, inner) }
        let deepest = (0..<2).reduce(SearchFilter.all([kind, deep])) { inner, _ in .any([.all([]), inner]) }
        let sort = (1...8).map { SearchSort(field: $0, isDescending: $0.isMultiple(of: 2)) }
        let values8 = ViewKind.elementInstance.fields[1...8].map { field -> ViewValue in
            [.key, .date, .boolean].contains(field.type) ? .integer(1) : .text("a")
        }

        #expect(try pool.search(SearchRequest(view: .job, filter: wide)).totalItems == world.rows[.job]?.count)
        #expect(throws: Never.self) {
            try pool.search(
                SearchRequest(
                    view: .elementInstance,
                    filter: deepest,
                    sort: sort,
                    position: .after(values8 + [.integer(1)])
                )
            )
        }
    }

    @Test(arguments: [
        ("*", "anything", true), ("?", "", false), ("?", "🙂", true), ("a*c", "abc", true), ("a*c", "aBC", false),
        ("A", "a", false), ("a\\*c", "a*c", true), ("a\\*c", "abc", false), ("a\\?c", "a?c", true),
        ("a\\?c", "abc", false), ("\\\\", "\\", true), ("a\\", "a\\", true), ("[ab]", "a", false),
        ("[ab]", "[ab]", true), ("[^a]", "b", false), ("]", "]", true), ("%", "a", false), ("_", "a", false),
        ("\\[", "[", true), ("**a**", "cab", true), ("", "", true), ("", "a", false), ("é", "e\u{301}", false),
    ])
    func `a pattern matches exactly what it says`(pattern: String, text: String, isMatch: Bool) throws {
        // given
        let world = try SearchWorld(seed: 91)
        try world.insert("variable", [.integer(1), .integer(1), .integer(1), .text(text), .text("1")])
        let pool = ReaderPool(live: world.live, history: nil)

        // when
        let filter = SearchFilter.compare(field: 1, .like, values: [.text(pattern)])
        let page = try pool.search(SearchRequest(view: .variable, filter: filter))

        // then
        #expect(page.rows.count == (isMatch ? 1 : 0))
        #expect(SearchOracle.matches(Array(text.unicodeScalars)[...], Array(pattern.unicodeScalars)[...]) == isMatch)
    }
}
