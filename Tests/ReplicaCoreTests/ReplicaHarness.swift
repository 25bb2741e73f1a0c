import BPMNModel
import BPMNParsing
import ProcessEngine
import RaftCore
import ReplicaCore
import SQLite
import Testing

@testable import StateStore

struct TestModelReader: ModelReader {
    func models(in content: [UInt8], resourceName: String) throws(Rejection) -> [ProcessModel] {
        do {
            return try BPMNParser.parse(content, resourceName: resourceName).processes
        } catch {
            throw Rejection(.invalidArgument, error.description)
        }
    }
}

/// A replica with what it needs, driven by hand: log work is done at once unless it is held back.
final class ReplicaHarness {
    let storage: MemoryStorage
    let state: FailingState
    let engine: Engine
    let replica: Replica<MemoryStorage>
    let id: NodeID
    private(set) var time: Int64
    /// Everything the replica did, without what was carried out here.
    private(set) var answers: [RequestID: ReplicaAnswer] = [:]
    private(set) var reports: [ReplicaReport] = []
    private(set) var transfers: [OutboxRecord] = []
    private(set) var acknowledgements: [Int64] = []
    private(set) var outgoing: [RaftMessage] = []
    private(set) var readyReads: [ReadRequestID] = []
    private(set) var failedReads: [ReadRequestID] = []
    private(set) var memberships: [Membership] = []
    /// Whether log work stays undone until `finishPersisting`.
    var holdsPersisting = false
    private var unpersisted: [StorageAppend] = []
    private var requestCount = 0

    init(
        group: UInt32 = 1,
        id: UInt64 = 1,
        voters: [UInt64] = [1],
        storage: MemoryStorage? = nil,
        state: SQLiteState? = nil,
        limits: ReplicaLimits = ReplicaLimits(),
        engineLimits: EngineLimits = EngineLimits(),
        time: Int64 = 1_800_000_000_000,
        poisons: [ExecutionMark] = []
    ) throws {
        let storage = storage ?? MemoryStorage(voters: voters.map { NodeID($0) })
        let inner = try state ?? SQLiteState.inMemory()
        self.storage = storage
        self.state = FailingState(inner)
        self.id = NodeID(id)
        self.time = time
        var configuration = RaftConfiguration(id: NodeID(id), group: GroupID(group))
        configuration.asynchronousStorageWrites = true
        configuration.randomSeed = id
        configuration.applied = LogIndex(inner.position.appliedIndex)
        let raft = try RaftNode(configuration: configuration, storage: storage)
        engine = Engine(
            group: group,
            environment: EngineEnvironment(modelReader: TestModelReader(), limits: engineLimits)
        )
        replica = try Replica(
            group: group,
            raft: raft,
            state: self.state,
            engine: engine,
            marker: NoExecutionMarker(),
            limits: limits
        )
        try step([])
        if voters.count == 1 {
            replica.campaignAlone()
            try step(poisons.map { .poisoned($0, reason: "it crashed") })
        }
    }

    // MARK: Driving

    /// Steps until nothing follows at once.
    func step(_ first: [ReplicaInput], at newTime: Int64? = nil) throws {
        if let newTime { time = newTime }
        var inputs = first
        repeat {
            let actions = try replica.step(inputs, time: time)
            inputs = []
            for action in actions {
                switch action {
                case .persist(let work): unpersisted.append(work)
                case .send(let messages): outgoing += messages
                case .answer(let id, let answer): answers[id] = answer
                case .transfer(let record): transfers.append(record)
                case .acknowledge(_, let sequence): acknowledgements.append(sequence)
                case .report(let report): reports.append(report)
                case .readReady(let id): readyReads.append(id)
                case .readFailed(let id): failedReads.append(id)
                case .membersChanged(let membership): memberships.append(membership)
                case .becameLeader, .lostLeadership: break
                }
            }
            if !holdsPersisting { inputs = persistAll() }
        } while !inputs.isEmpty || replica.hasWorkLeft
    }

    private func persistAll() -> [ReplicaInput] {
        let work = unpersisted
        unpersisted = []
        for piece in work {
            if let hardState = piece.hardState { storage.set(hardState) }
            storage.append(piece.entries)
        }
        return work.map { .persisted($0) }
    }

    /// Makes durable what was held back, and tells the replica, with what arrives together with that.
    func finishPersisting(with others: [ReplicaInput] = []) throws {
        holdsPersisting = false
        try step(persistAll() + others)
    }

    /// Makes durable what is held back now; what follows is held back again.
    func persistOnce() throws { try step(persistAll()) }

    /// Makes durable what was held back; the replica does not learn of it any more.
    func persistWithoutTelling() { _ = persistAll() }

    func pass(milliseconds: Int64) throws { try step([], at: time + milliseconds) }

    /// Lets the time pass after which the state is saved.
    func save() throws { try pass(milliseconds: ReplicaLimits().saveMilliseconds) }

    func tick(_ count: Int = 1) throws { for _ in 0..<count { try step([.tick]) } }

    func takeOutgoing() -> [RaftMessage] {
        defer { outgoing = [] }
        return outgoing
    }

    // MARK: Requests

    @discardableResult
    func submit(_ command: Command, key: String? = nil, waitsFor: Int64? = nil) throws -> RequestID {
        let id = newRequest()
        try step([submission(id, command, key: key, waitsFor: waitsFor)])
        return id
    }

    func newRequest() -> RequestID {
        requestCount += 1
        return RequestID("r\(requestCount)")
    }

    func submission(_ id: RequestID, _ command: Command, key: String? = nil, waitsFor: Int64? = nil) -> ReplicaInput {
        .submitted(
            SubmittedRequest(
                request: RequestedCommand(id: id, idempotencyKey: key.map { RequestID($0) }, command: command),
                waitsUntil: waitsFor.map { time + $0 }
            )
        )
    }

    /// Gives group 1 a definition as group 0 would.
    func define(_ text: String = ReplicaHarness.oneTask, processID: String = "p", sequence: Int64 = 1) throws {
        let resource = ResourceRecord(
            key: Key(group: 0, counter: sequence * 10),
            name: "p.bpmn",
            content: Array(text.utf8)
        )
        let definition = DefinitionRecord(
            key: Key(group: 0, counter: sequence * 10 + 1),
            processID: processID,
            version: Int32(sequence),
            tenantID: defaultTenantID,
            deploymentKey: Key(group: 0, counter: sequence * 10 + 2),
            resourceName: "p.bpmn",
            resourceHash: sequence,
            resourceKey: resource.key,
            deployedAt: time
        )
        let transfer = Transfer.definitions([definition], resources: [resource])
        try step([.scheduled(.receive(transfer, sourceGroup: 0, sequence: sequence))])
    }

    static let create = Command.createInstance(.init(definition: .processID("p", version: nil)))

    static func create(_ variables: String) -> Command {
        .createInstance(
            .init(
                definition: .processID("p", version: nil),
                variables: VariableDocument([.init(name: "v", value: Array(variables.utf8))])
            )
        )
    }

    static func activate(limit: Int32 = 1, tenantIDs: [String] = [defaultTenantID]) -> Command {
        .activateJobs(
            .init(type: "work", worker: "w", timeoutMilliseconds: 60_000, limit: limit, tenantIDs: tenantIDs)
        )
    }

    func jobs(_ id: RequestID) -> [Answer.ActivatedJob]? {
        if case .answered(.jobsActivated(let jobs)) = answers[id] { jobs } else { nil }
    }

    func rejection(_ id: RequestID) -> Rejection? {
        if case .answered(.rejected(let rejection)) = answers[id] { rejection } else { nil }
    }

    func isRefused(_ id: RequestID) -> Bool {
        switch answers[id] {
        case .refused, .misdirected: true
        default: false
        }
    }
    func isUnknown(_ id: RequestID) -> Bool { if case .unknown = answers[id] { true } else { false } }

    func created(_ id: RequestID) -> Key? {
        if case .answered(.instanceCreated(let created)) = answers[id] { created.processInstanceKey } else { nil }
    }

    // MARK: Models

    static func model(_ inside: String) -> String {
        """
        <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" \
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">\
        <process id="p" isExecutable="true"><startEvent id="s"/>\(inside)</process></definitions>
        """
    }

    static let oneTask = model(
        """
        <serviceTask id="t"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements></serviceTask>\
        <endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="t"/>\
        <sequenceFlow id="b" sourceRef="t" targetRef="e"/>
        """
    )

    /// Waits five seconds.
    static let timer = model(
        """
        <intermediateCatchEvent id="c"><timerEventDefinition><timeDuration>PT5S</timeDuration></timerEventDefinition>\
        </intermediateCatchEvent><endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="c"/>\
        <sequenceFlow id="b" sourceRef="c" targetRef="e"/>
        """
    )

    /// Never waits and never ends.
    static let endless = model(
        """
        <exclusiveGateway id="g"/><scriptTask id="t"><extensionElements><zeebe:script expression="=v + 1" \
        resultVariable="v"/></extensionElements></scriptTask><exclusiveGateway id="x" default="o"/><endEvent id="e"/>\
        <sequenceFlow id="a" sourceRef="s" targetRef="g"/><sequenceFlow id="b" sourceRef="g" targetRef="t"/>\
        <sequenceFlow id="c" sourceRef="t" targetRef="x"/>\
        <sequenceFlow id="l" sourceRef="x" targetRef="g"><conditionExpression>=v > 0</conditionExpression></sequenceFlow>\
        <sequenceFlow id="o" sourceRef="x" targetRef="e"/>
        """
    )
}

/// The rows of all tables that replicas have in common.
func rows(_ state: SQLiteState) throws -> [String] {
    var result: [String] = []
    let tables = try state.database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    var names: [String] = []
    while try tables.step() { names.append(tables.text(0)) }
    tables.reset()
    for name in names where name != "store_property" {
        let statement = try state.database.prepare("SELECT * FROM \(name)")
        while try statement.step() {
            let values = (0..<statement.columnCount).map {
                statement.isNull($0) ? "NULL" : String(decoding: statement.blob($0), as: UTF8.self)
            }
            result.append("\(name): \(values.joined(separator: "|"))")
        }
        statement.reset()
    }
    return result.sorted()
}
