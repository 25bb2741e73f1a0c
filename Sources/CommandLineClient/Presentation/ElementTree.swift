import JSON

/// The element instances of one process instance as an indented list: each scope followed by what runs in it.
struct ElementTree: Equatable, Sendable {
    /// How deep lines are indented at most; deeper ones are shown at that depth.
    static let depthLimit = 20
    /// Types that can contain other element instances, and so are worth asking for their content.
    static let scopeTypes = [
        "SUB_PROCESS", "EVENT_SUB_PROCESS", "AD_HOC_SUB_PROCESS", "AD_HOC_SUB_PROCESS_INNER_INSTANCE",
        "MULTI_INSTANCE_BODY", "TRANSACTION",
    ]

    /// One line: an element instance and how deep it lies below the process.
    struct Line: Equatable, Sendable {
        let depth: Int
        let item: JSONValue
    }

    let lines: [Line]

    /// `items` in the order they shall keep among brothers; `parents` maps the key of an element instance to that of
    /// its scope, where it is not the process itself. An item whose scope is not among `items` is put at the top, and
    /// items whose scopes form a ring are put at the end, so that nothing is ever left out.
    init(items: [JSONValue], parents: [String: String]) {
        let keys = items.map { $0.text("elementInstanceKey") }
        let known = Set(keys)
        var children: [String: [Int]] = [:]
        var roots: [Int] = []
        for (index, key) in keys.enumerated() {
            if let parent = parents[key], known.contains(parent), parent != key {
                children[parent, default: []].append(index)
            } else {
                roots.append(index)
            }
        }
        var lines: [Line] = []
        var isShown = [Bool](repeating: false, count: items.count)
        // An own stack, since the depth comes from the server.
        var stack = roots.reversed().map { (index: $0, depth: 0) }
        while let (index, depth) = stack.popLast() {
            guard !isShown[index] else { continue }
            isShown[index] = true
            lines.append(Line(depth: min(depth, Self.depthLimit), item: items[index]))
            let below = children[keys[index]] ?? []
            stack += below.reversed().map { (index: $0, depth: depth + 1) }
        }
        for index in items.indices where !isShown[index] {
            lines.append(Line(depth: 0, item: items[index]))
        }
        self.lines = lines
    }

    /// The table for people.
    func table() -> Table {
        var table = Table([
            .text("ELEMENT"), .text("TYPE"), .text("STATE"), .key("KEY"), .text("STARTED"), .text("ENDED"),
        ])
        for line in self.lines {
            let item = line.item
            let indent = String(repeating: "  ", count: line.depth)
            let mark = item.member("hasIncident")?.boolValue == true ? " !" : ""
            table.append([
                indent + item.text("elementId"), item.text("type"), item.text("state") + mark,
                item.text("elementInstanceKey"), TerminalText.timestamp(item.text("startDate")),
                TerminalText.timestamp(item.text("endDate")),
            ])
        }
        return table
    }
}
