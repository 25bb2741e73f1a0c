import JSON
import Synchronization

/// One operation on a register, as its client saw it.
package struct RegisterOperation: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case write(Int64)
        /// The value that was read; nil when the read has no answer.
        case read(Int64?)
    }

    package enum Outcome: String, Hashable, Sendable {
        /// Done and acknowledged.
        case ok
        /// Surely not done.
        case failed
        /// Perhaps done, at any time since it began.
        case unknown
    }

    package var register: Int
    package var client: Int
    /// The node that was asked.
    package var node: Int
    package var kind: Kind
    package var outcome: Outcome
    /// Nanoseconds since the drill began.
    package var began: Int64
    package var ended: Int64

    /// One line of a history file.
    var line: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("register", self.register)
        writer.member("client", self.client)
        writer.member("node", self.node)
        switch self.kind {
        case .write(let value):
            writer.member("operation", "write")
            writer.member("value", value)
        case .read(let value):
            writer.member("operation", "read")
            writer.member("value", value.map { .int($0) } ?? .null)
        }
        writer.member("outcome", self.outcome.rawValue)
        writer.member("began", self.began)
        writer.member("ended", self.ended)
        writer.endObject()
        return writer.bytes + [10]
    }

    /// Reads one line of a history file.
    /// - Throws: `DrillFailure` with what is wrong.
    init(line: some Collection<UInt8>, number: Int) throws {
        let value: JSONValue
        do {
            value = try JSONParser.parse(Array(line))
        } catch {
            throw DrillFailure("line \(number): Expected a JSON object, but got: \(error)")
        }
        guard let register = value.integer("register"), (0..<1_000).contains(register),
            let client = value.integer("client"), (0..<10_000).contains(client),
            let node = value.integer("node"), (0..<1_000).contains(node),
            let outcome = Outcome(rawValue: value.text("outcome")),
            let began = value.integer("began"), let ended = value.integer("ended"), began <= ended
        else { throw DrillFailure("line \(number): Expected register, client, node, outcome, began and ended") }
        switch value.text("operation") {
        case "write":
            guard let written = value.integer("value") else {
                throw DrillFailure("line \(number): Expected the value of a write")
            }
            self.kind = .write(written)
        case "read": self.kind = .read(value.integer("value"))
        default: throw DrillFailure("line \(number): Expected the operation write or read")
        }
        self.register = Int(register)
        self.client = Int(client)
        self.node = Int(node)
        self.outcome = outcome
        self.began = began
        self.ended = ended
    }

    package init(
        register: Int,
        client: Int,
        node: Int,
        kind: Kind,
        outcome: Outcome,
        began: Int64,
        ended: Int64
    ) {
        self.register = register
        self.client = client
        self.node = node
        self.kind = kind
        self.outcome = outcome
        self.began = began
        self.ended = ended
    }
}

/// Everything that was done to all registers. What is kept can be checked again.
package struct RegisterHistory: Hashable, Sendable {
    package private(set) var operations: [RegisterOperation]
    private static let bytesLimit = 256 << 20

    package init(_ operations: [RegisterOperation] = []) { self.operations = operations }

    /// Reads a history file: one operation a line, in JSON.
    package static func read(path: String) throws -> RegisterHistory {
        guard let bytes = Files.contents(path, limit: Self.bytesLimit + 1) else {
            throw DrillFailure("Expected a history at '\(path)'; a drill leaves it as history.jsonl in its report")
        }
        guard bytes.count <= Self.bytesLimit else {
            throw DrillFailure("Expected a history of at most \(Self.bytesLimit) bytes")
        }
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        var operations: [RegisterOperation] = []
        for (index, line) in lines.enumerated() where !line.isEmpty {
            operations.append(try RegisterOperation(line: line, number: index + 1))
        }
        return RegisterHistory(operations)
    }

    func write(path: String) throws {
        var bytes: [UInt8] = []
        for operation in self.operations { bytes += operation.line }
        try Files.write(bytes, to: path)
    }
}

/// The history while clients add to it.
final class RegisterRecorder: Sendable {
    private let operations = Mutex<[RegisterOperation]>([])

    func add(_ operation: RegisterOperation) { self.operations.withLock { $0.append(operation) } }

    /// In the order in which they began.
    var history: RegisterHistory {
        RegisterHistory(self.operations.withLock { $0 }.sorted { $0.began < $1.began })
    }
}
