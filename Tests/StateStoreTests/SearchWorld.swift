import Foundation
import ProcessEngine
import SQLite
import StateStore

/// A live state and a history in a temporary folder, filled at random, and in memory what every view has to show of it.
final class SearchWorld {
    struct Row: Hashable {
        var row: ViewRow
        var instance: Int64
        var tags: [String]
    }

    let folder: String
    let live: StateFile
    let database: Database
    private(set) var rows: [ViewKind: [Row]] = [:]
    /// Ended instances that are still in the live state.
    private(set) var finished: [Int64] = []
    var generator: SearchGenerator
    private(set) var lastKey: Int64 = 1 << 51
    private(set) var time: Int64 = 1_000_000
    private var definitions: [Definition] = []
    private var inserts: [String: Statement] = [:]

    struct Definition {
        var key: Int64
        var processID: String
        var version: Int64
        var name: String?
        var versionTag: String?
    }

    /// Texts that go wrong where somebody forgot to escape, to compare bytes, or to think of case.
    static let texts = [
        "", "a", "A", "ab", "aB", "ab*c", "a?c", "a[b]c", "a\\b", "[", "]", "100%", "_x", "ä", "é", "e\u{301}", "🙂",
        "' OR 1=1 --", "\"", "z",
    ]

    init(seed: UInt64) throws {
        self.generator = SearchGenerator(seed: seed)
        self.folder = NSTemporaryDirectory() + "search-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        self.live = StateFile(path: self.folder + "/state.db")
        self.database = try Database(path: self.live.path, options: DatabaseOptions(synchronous: .off))
        for statement in Schema.statements { try self.database.execute(statement) }
        try self.database.execute("PRAGMA application_id=\(Schema.applicationID)")
        try self.database.execute("PRAGMA user_version=\(Schema.level)")
        for kind in ViewKind.allCases { self.rows[kind] = [] }
        try self.addDefinitions()
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    var historyPath: String { self.folder + "/history" }

    func insert(_ table: String, _ values: [ViewValue]) throws {
        let sql = "INSERT INTO \(table) VALUES(\(values.map { _ in "?" }.joined(separator: ",")))"
        let statement = try self.inserts[sql] ?? self.database.prepare(sql)
        self.inserts[sql] = statement
        for (index, value) in values.enumerated() {
            switch value {
            case .null: try statement.bindNull(Int32(index + 1))
            case .integer(let number): try statement.bind(Int32(index + 1), number)
            case .text(let text): try statement.bind(Int32(index + 1), text)
            }
        }
        try statement.run()
    }

    func nextKey() -> Int64 {
        self.lastKey += 1
        return self.lastKey
    }

    private func maybeText(_ percent: Int) -> ViewValue {
        self.generator.chance(percent) ? .text(self.generator.pick(Self.texts)) : .null
    }

    private func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self.generator) }

    private func addDefinitions() throws {
        for (processID, versions, name) in [("order", 3, "Order"), ("invoice", 1, nil), ("ship*ment", 2, "Ship [x]")] {
            for version in 1...versions {
                let definition = Definition(
                    key: self.nextKey(),
                    processID: processID,
                    version: Int64(version),
                    name: name,
                    versionTag: version == 2 ? "v2" : nil
                )
                let resource = self.nextKey()
                self.definitions.append(definition)
                try self.insert(
                    "process_definition",
                    [
                        .integer(definition.key), .text(processID), .integer(definition.version), .text("<default>"),
                        .of(name), .of(definition.versionTag), .integer(resource), .text(processID + ".bpmn"),
                        .integer(0), .integer(resource), .integer(self.time),
                    ]
                )
                try self.database.execute("INSERT INTO resource VALUES(\(resource), 'x', x'3C\(version)0')")
                let row: [ViewValue] = [
                    .integer(definition.key), .text(processID), .of(name), .text(processID + ".bpmn"),
                    .integer(definition.version), .of(definition.versionTag), .text("<default>"), .integer(0),
                    .integer(version == versions ? 1 : 0), .integer(resource),
                ]
                self.rows[.processDefinition]?.append(
                    Row(row: ViewRow(values: row), instance: definition.key, tags: [])
                )
            }
        }
    }

    var definitionKeys: [Int64] { self.definitions.map { $0.key } }

    /// Adds a process instance with all that belongs to it, and sometimes one that it called.
    func addInstance() throws {
        try self.addInstance(parent: nil, state: self.number(0...2))
    }

    private struct Instance {
        var key: Int64
        var root: Int64
        var definition: Definition
        var tenant: String
        var tags: [String]
        var business: ViewValue
        var state: Int64

        var tagsText: ViewValue {
            .text("[" + self.tags.map { "\"" + $0.replacing("\"", with: "\\\"") + "\"" }.joined(separator: ",") + "]")
        }
    }

    private func addInstance(parent: (instance: Int64, root: Int64)?, state: Int64) throws {
        self.time += self.number(0...3)
        let key = self.nextKey()
        let instance = Instance(
            key: key,
            root: parent?.root ?? key,
            definition: self.generator.pick(self.definitions),
            tenant: self.generator.pick(["<default>", "acme"]),
            tags: ["red", "say \"hi\"", "ü"].filter { _ in self.generator.chance(30) },
            business: self.maybeText(40),
            state: state
        )
        let started = self.time
        let ended: ViewValue = state == 0 ? .null : .integer(self.time + self.number(0...5))
        let parentKey: ViewValue = parent.map { .integer($0.instance) } ?? .null
        let parentElement: ViewValue = parent == nil ? .null : .integer(self.nextKey())
        try self.insert(
            "process_instance",
            [
                .integer(key), .integer(instance.definition.key), parentKey, parentElement, .integer(instance.root),
                .integer(state), .integer(started), ended, .text(instance.tenant), instance.tagsText,
                instance.business, .null, .integer(parent == nil ? 0 : 1), .null, .text("[]"),
            ]
        )
        try self.insert(
            "element_instance",
            [
                .integer(key), .integer(key), .text(instance.definition.processID), .null, .text("process"), .null,
                .integer(state == 0 ? 1 : state + 3), .integer(started), ended, .integer(0), .null, .null, .null,
            ]
        )
        if state != 0 {
            try self.insert("finished_instance", [.integer(key)])
            self.finished.append(key)
        }
        for _ in 0..<self.number(0...3) { try self.addElement(of: instance) }
        for name in ["x", "y", "naïve"] where self.generator.chance(40) { try self.addVariable(name, of: instance) }
        for _ in 0..<self.number(0...2) { try self.addJob(of: instance) }
        var hasIncident = false
        if self.generator.chance(30) { hasIncident = try self.addIncident(of: instance) }
        if self.generator.chance(30) { try self.addUserTask(of: instance) }
        let row: [ViewValue] = [
            .integer(key), .text(instance.definition.processID), .of(instance.definition.name),
            .integer(instance.definition.version), .of(instance.definition.versionTag),
            .integer(instance.definition.key), parentKey, parentElement, .integer(instance.root), .integer(started),
            ended, .text(["ACTIVE", "COMPLETED", "TERMINATED"][Int(state)]), .integer(hasIncident ? 1 : 0),
            .text(instance.tenant), instance.tagsText, instance.business,
        ]
        self.append(.processInstance, row, instance)
        if parent == nil, self.generator.chance(20) {
            try self.addInstance(parent: (key, key), state: state)
        }
    }

    private func append(_ view: ViewKind, _ values: [ViewValue], _ instance: Instance) {
        self.rows[view]?.append(Row(row: ViewRow(values: values), instance: instance.key, tags: instance.tags))
    }

    private func addElement(of instance: Instance) throws {
        let key = self.nextKey()
        let kinds = [
            ("serviceTask", "SERVICE_TASK"), ("startEvent", "START_EVENT"), ("task", "TASK"),
            ("intermediateCatchEvent", "INTERMEDIATE_CATCH_EVENT"), ("sendTask", "SEND_TASK"),
        ]
        let (kind, type) = self.generator.pick(kinds)
        let state = self.number(0...5)
        self.time += self.number(0...1)
        let started = self.time
        let ended: ViewValue = state < 4 ? .null : .integer(started + 1)
        let elementID = ViewValue.text(self.generator.pick(["a", "b", "C"]))
        let name = self.maybeText(50)
        let incident: ViewValue = self.generator.chance(10) ? .integer(self.nextKey()) : .null
        try self.insert(
            "element_instance",
            [
                .integer(key), .integer(instance.key), elementID, name, .text(kind), .integer(instance.key),
                .integer(state), .integer(started), ended, .integer(0), .null, incident, .null,
            ]
        )
        let word = state < 4 ? "ACTIVE" : state == 4 ? "COMPLETED" : "TERMINATED"
        self.append(
            .elementInstance,
            [
                .integer(key), elementID, name, .text(type), .text(word), .integer(started), ended,
                .integer(incident == .null ? 0 : 1), incident, .integer(instance.key), .integer(instance.key),
                .integer(instance.root), .integer(instance.definition.key), .text(instance.definition.processID),
                .text(instance.tenant),
            ],
            instance
        )
    }

    private func addVariable(_ name: String, of instance: Instance) throws {
        let key = self.nextKey()
        let value = ViewValue.text(self.generator.pick(["1", "\"a\"", "null", "[1,2]", "\"ä*\""]))
        try self.insert(
            "variable",
            [.integer(key), .integer(instance.key), .integer(instance.key), .text(name), value]
        )
        self.append(
            .variable,
            [
                .integer(key), .text(name), value, .integer(instance.key), .integer(instance.key),
                .integer(instance.root), .text(instance.tenant),
            ],
            instance
        )
    }

    private static let jobWords = [
        "CREATED", "COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "ERROR_THROWN", "RETRIES_UPDATED",
        "TIMEOUT_UPDATED", "PRIORITY_UPDATED",
    ]

    private func addJob(of instance: Instance) throws {
        let key = self.nextKey()
        let element = self.nextKey()
        let type = ViewValue.text(self.generator.pick(Self.texts))
        let (state, mark) = (self.number(0...6), self.number(0...8))
        let (retries, priority) = (self.number(0...3), self.number(-5...5))
        let worker = ViewValue.text(self.generator.pick(["", "w1"]))
        let deadline: ViewValue = self.generator.chance(50) ? .integer(self.time + 1000) : .null
        let (code, message) = (self.maybeText(20), self.maybeText(20))
        let ended: ViewValue = state > 4 ? .integer(self.time + 3) : .null
        try self.insert(
            "job",
            [
                .integer(key), type, .integer(instance.key), .integer(element), .text("a"), .integer(state),
                .integer(mark), .integer(retries), .integer(priority), worker, deadline, .integer(1), code, message,
                .text("{\"k\":\"v\"}"), .text(instance.tenant), .integer(self.time), .integer(self.time + 1), ended,
            ]
        )
        self.append(
            .job,
            [
                .integer(key), type, worker, .text(Self.jobWords[Int(mark)]), .text("BPMN_ELEMENT"),
                .text("UNSPECIFIED"), .integer(retries), .integer(priority), state == 2 ? .null : deadline, code,
                message, .integer(mark == 2 && retries > 0 ? 1 : 0), .text("{\"k\":\"v\"}"), .text("a"),
                .integer(element), .text(instance.definition.processID), .integer(instance.definition.key),
                .integer(instance.key), .integer(instance.root), instance.business, .text(instance.tenant),
                .integer(self.time), .integer(self.time + 1), ended,
            ],
            instance
        )
    }

    private func addIncident(of instance: Instance) throws -> Bool {
        let key = self.nextKey()
        let element = self.nextKey()
        let state = self.number(0...1)
        let job: ViewValue = self.generator.chance(50) ? .integer(self.nextKey()) : .null
        let type = ViewValue.text(self.generator.pick(["JOB_NO_RETRIES", "UNKNOWN"]))
        let message = ViewValue.text(self.generator.pick(Self.texts))
        try self.insert(
            "incident",
            [
                .integer(key), type, message, .integer(state), .integer(self.time), .text("a"), .integer(element),
                .integer(instance.key), job, .text(instance.tenant),
            ]
        )
        self.append(
            .incident,
            [
                .integer(key), type, message, .text(state == 0 ? "ACTIVE" : "RESOLVED"), .integer(self.time),
                .text("a"), .integer(element), .text(instance.definition.processID),
                .integer(instance.definition.key), .integer(instance.key), .integer(instance.root), job,
                .text(instance.tenant),
            ],
            instance
        )
        return state == 0
    }

    private func addUserTask(of instance: Instance) throws {
        let key = self.nextKey()
        let element = self.nextKey()
        let state = self.number(0...2)
        let (name, assignee, form) = (self.maybeText(60), self.maybeText(60), self.maybeText(10))
        let completed: ViewValue = state == 0 ? .null : .integer(self.time + 9)
        let due: ViewValue = self.generator.chance(40) ? .integer(self.number(0...9)) : .null
        let followUp: ViewValue = self.generator.chance(40) ? .integer(self.number(0...9)) : .null
        let priority = self.number(0...100)
        try self.insert(
            "user_task",
            [
                .integer(key), .integer(instance.key), .integer(element), .text("u"), name, .integer(state), assignee,
                .text("[\"ann\"]"), .text("[]"), due, followUp, .integer(priority), form, .text("{}"),
                .integer(self.time), completed, .text(instance.tenant),
            ]
        )
        self.append(
            .userTask,
            [
                .integer(key), name, .text(["CREATED", "COMPLETED", "CANCELED"][Int(state)]), assignee, .text("u"),
                .integer(element), .text("[\"ann\"]"), .text("[]"), .text(instance.definition.processID),
                .integer(instance.definition.version), .of(instance.definition.name),
                .integer(instance.definition.key), .integer(instance.key), .integer(instance.root),
                .integer(self.time), completed, due, followUp, .integer(priority), .null, form, .text("{}"),
                instance.tagsText, instance.business, .text(instance.tenant),
            ],
            instance
        )
    }

    /// What the group's writer does with instances that are safe in the history.
    func remove(_ keys: [Key]) throws {
        try self.database.begin()
        for key in keys {
            let tables = [
                "element_instance", "variable", "job", "user_task", "incident", "process_instance",
                "finished_instance",
            ]
            for table in tables {
                try self.database.execute("DELETE FROM \(table) WHERE processInstanceKey = \(key.rawValue)")
            }
        }
        try self.database.commit()
        let gone = Set(keys.map { $0.rawValue })
        self.finished.removeAll { gone.contains($0) }
    }

    func setAppliedIndex(_ index: Int) throws {
        try self.database.execute("UPDATE engine_position SET appliedIndex = \(index)")
    }
}

extension ViewValue {
    static func of(_ text: String?) -> ViewValue { text.map { .text($0) } ?? .null }
}
