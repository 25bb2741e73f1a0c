import Linearizability
import RaftCore

/// What a client asks the key-value store to change. The client numbers its commands, so that one that is sent twice is
/// carried out once (Raft thesis, section 6.3).
struct KeyValueCommand: Hashable {
    var client: UInt64
    var sequence: UInt64
    var key: UInt64
    var input: RegisterInput<UInt64>

    /// The payload of a log entry.
    var encoded: [UInt8] {
        var writer = StateWriter()
        writer.add(self.client)
        writer.add(self.sequence)
        writer.add(self.key)
        switch self.input {
        case .read: writer.add(0)
        case .write(let value):
            writer.add(1)
            writer.add(value)
        case .compareAndSet(let expected, let new):
            writer.add(2)
            writer.add(expected ?? 0)
            writer.add(new)
        }
        return writer.bytes
    }

    /// Nil for anything but a command, for example a new leader's empty entry. Values are never zero.
    init?(_ payload: [UInt8]) {
        var reader = StateReader(payload)
        guard let client = reader.next(), let sequence = reader.next(), let key = reader.next() else { return nil }
        let input: RegisterInput<UInt64>
        switch reader.next() {
        case 0: input = .read
        case 1:
            guard let value = reader.next() else { return nil }
            input = .write(value)
        case 2:
            guard let expected = reader.next(), let new = reader.next() else { return nil }
            input = .compareAndSet(expected: expected == 0 ? nil : expected, new: new)
        default: return nil
        }
        self.init(client: client, sequence: sequence, key: key, input: input)
    }

    init(client: UInt64, sequence: UInt64, key: UInt64, input: RegisterInput<UInt64>) {
        self.client = client
        self.sequence = sequence
        self.key = key
        self.input = input
    }
}

/// The replicated state: values, and what was answered to each client last.
struct KeyValueState: Hashable {
    struct Session: Hashable {
        var sequence: UInt64
        var isEqual: Bool
    }

    /// What an entry did.
    enum Effect: Hashable {
        case nothing
        case executed(KeyValueCommand, RegisterOutput<UInt64>)
        /// The command had been carried out before.
        case repeated(RegisterOutput<UInt64>)
        /// A later command of the client had been carried out before.
        case outdated
    }

    var index = LogIndex.zero
    var term = Term.zero
    var members = ClusterConfiguration()
    /// A chain over all entries, so that equal states at equal indexes mean equal histories.
    var chain: UInt64 = 0
    var values: [UInt64: UInt64] = [:]
    var sessions: [UInt64: Session] = [:]

    init() {}

    /// Applies the next entry.
    mutating func apply(_ entry: LogEntry, deduplicates: Bool = true) -> Effect {
        self.index = entry.index
        self.term = entry.term
        var hash = TraceHash()
        hash.add(self.chain)
        hash.add(entry.index.rawValue)
        hash.add(entry.term.rawValue)
        hash.add(entry.payload)
        self.chain = hash.value
        guard entry.kind == .normal, let command = KeyValueCommand(entry.payload) else { return .nothing }
        if deduplicates, let session = self.sessions[command.client] {
            if session.sequence > command.sequence { return .outdated }
            if session.sequence == command.sequence {
                return .repeated(Self.output(of: command, isEqual: session.isEqual))
            }
        }
        let isEqual = self.execute(command)
        self.sessions[command.client] = Session(sequence: command.sequence, isEqual: isEqual)
        return .executed(command, Self.output(of: command, isEqual: isEqual))
    }

    private mutating func execute(_ command: KeyValueCommand) -> Bool {
        switch command.input {
        case .read: return true
        case .write(let value): self.values[command.key] = value
        case .compareAndSet(let expected, let new):
            guard self.values[command.key] == expected else { return false }
            self.values[command.key] = new
        }
        return true
    }

    private static func output(of command: KeyValueCommand, isEqual: Bool) -> RegisterOutput<UInt64> {
        if case .compareAndSet = command.input { .compared(isEqual: isEqual) } else { .written }
    }

    /// A digest of everything but the members.
    var digest: UInt64 {
        var hash = TraceHash()
        hash.add(self.chain)
        for key in self.values.keys.sorted() {
            hash.add(key)
            hash.add(self.values[key] ?? 0)
        }
        for client in self.sessions.keys.sorted() {
            hash.add(client)
            hash.add(self.sessions[client]?.sequence ?? 0)
            hash.add(self.sessions[client]?.isEqual == true ? 1 : 0)
        }
        return hash.value
    }

    // MARK: Encoding

    /// The state as a snapshot's data, in an order that depends on nothing but the state.
    var encoded: [UInt8] {
        var writer = StateWriter()
        writer.add(self.index.rawValue)
        writer.add(self.term.rawValue)
        writer.add(self.chain)
        writer.add(self.members)
        writer.add(UInt64(self.values.count))
        for key in self.values.keys.sorted() {
            writer.add(key)
            writer.add(self.values[key] ?? 0)
        }
        writer.add(UInt64(self.sessions.count))
        for client in self.sessions.keys.sorted() {
            writer.add(client)
            writer.add(self.sessions[client]?.sequence ?? 0)
            writer.add(self.sessions[client]?.isEqual == true ? 1 : 0)
        }
        return writer.bytes
    }

    /// Nil if the bytes are no state.
    init?(_ bytes: [UInt8]) {
        var reader = StateReader(bytes)
        guard let index = reader.next(), let term = reader.next(), let chain = reader.next() else { return nil }
        guard let members = reader.nextMembers(), let valueCount = reader.next() else { return nil }
        self.index = LogIndex(index)
        self.term = Term(term)
        self.chain = chain
        self.members = members
        for _ in 0..<min(valueCount, reader.limit) {
            guard let key = reader.next(), let value = reader.next() else { return nil }
            self.values[key] = value
        }
        guard let sessionCount = reader.next() else { return nil }
        for _ in 0..<min(sessionCount, reader.limit) {
            guard let client = reader.next(), let sequence = reader.next(), let isEqual = reader.next() else {
                return nil
            }
            self.sessions[client] = Session(sequence: sequence, isEqual: isEqual == 1)
        }
    }
}

/// Numbers as bytes, little end first.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            self.bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func add(_ members: ClusterConfiguration) {
        for list in [members.voters, members.learners, members.votersOutgoing, members.learnersNext] {
            self.add(UInt64(list.count))
            for node in list { self.add(node.rawValue) }
        }
        self.add(members.autoLeave ? 1 : 0)
    }
}

struct StateReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// No list can be longer than this.
    var limit: UInt64 { UInt64(self.bytes.count / 8) }

    mutating func next() -> UInt64? {
        guard self.position + 8 <= self.bytes.count else { return nil }
        var number: UInt64 = 0
        for offset in (0..<8).reversed() { number = number << 8 | UInt64(self.bytes[self.position + offset]) }
        self.position += 8
        return number
    }

    private mutating func nextNodes() -> [NodeID]? {
        guard let count = self.next(), count <= self.limit else { return nil }
        var nodes: [NodeID] = []
        for _ in 0..<count {
            guard let node = self.next() else { return nil }
            nodes.append(NodeID(node))
        }
        return nodes
    }

    mutating func nextMembers() -> ClusterConfiguration? {
        guard let voters = self.nextNodes(), let learners = self.nextNodes() else { return nil }
        guard let outgoing = self.nextNodes(), let next = self.nextNodes(), let autoLeave = self.next() else {
            return nil
        }
        return ClusterConfiguration(
            voters: voters,
            learners: learners,
            votersOutgoing: outgoing,
            learnersNext: next,
            autoLeave: autoLeave == 1
        )
    }
}
