import ProcessEngine
import RaftCore
import ReplicaCore

/// What replicas send each other and keep: batches of events, commands, answers.
extension FuzzTarget {
    static let recordTargets = [batch, events, commands, answers, membership]

    private static let batch = FuzzTarget(
        name: "batch",
        what: "log entries with a batch of events",
        bytesLimit: 4_096,
        seeds: {
            let header = BatchEntry.Header(
                time: 1_800_000_000_000,
                keyCounter: 77,
                digest: StateDigest(version: 1, high: 5, low: .max)
            )
            let events = sampleEvents
            return [[]] + events.map { BatchEntry.encode(header, eventBytes: $0) }
                + [BatchEntry.encode(header, eventBytes: Array(events.joined()))]
        },
        run: { input in
            var events: [Event] = []
            guard let header = try? BatchEntry.decode(input, event: { events.append($0) }) else { return nil }
            var writer = ByteWriter()
            for event in events { event.write(to: &writer) }
            let again = BatchEntry.encode(header, eventBytes: writer.bytes)
            var others: [Event] = []
            let other = try? BatchEntry.decode(again, event: { others.append($0) })
            guard other == header, others == events else { return "another batch after writing and reading it again" }
            return (try? BatchEntry.time(of: input)) == header.time ? nil : "two opinions about the group time"
        }
    )

    private static let events = coding(Event.self, name: "event", what: "single events") { sampleEvents }

    private static let commands = coding(Command.self, name: "command", what: "commands, as forwarded and quarantined")
    {
        (0..<32).flatMap { samples(Command.self, kind: [$0]) }
    }

    private static let answers = coding(Answer.self, name: "answer", what: "answers, as forwarded and remembered") {
        (0..<16).flatMap { samples(Answer.self, kind: [$0]) }
    }

    private static let membership = FuzzTarget(
        name: "membership",
        what: "members and addresses in the state",
        bytesLimit: 2_048,
        seeds: {
            let nodes = (1...3).map { NodeID($0) }
            let addresses = nodes.map { Membership.Address(node: $0, text: "h\($0):1") }
            let configuration = ClusterConfiguration(voters: nodes, learners: [NodeID(9)], votersOutgoing: [nodes[0]])
            return [
                Membership().encoded(), Membership(configuration: configuration, addresses: addresses).encoded(),
            ]
        },
        run: { input in
            guard let members = try? Membership(decoding: input) else { return nil }
            let again = try? Membership(decoding: members.encoded())
            return again == members ? nil : "other members after writing and reading them again"
        }
    )

    private static func coding<Value: BinaryCodable & Hashable & Sendable>(
        _ type: Value.Type,
        name: String,
        what: String,
        seeds: @escaping @Sendable () -> [[UInt8]]
    ) -> FuzzTarget {
        FuzzTarget(name: name, what: what, bytesLimit: 4_096, seeds: seeds) { input in
            var reader = ByteReader(input)
            guard let value = try? Value(from: &reader) else { return nil }
            var writer = ByteWriter()
            value.write(to: &writer)
            var second = ByteReader(writer.bytes)
            guard let again = try? Value(from: &second), again == value, second.isAtEnd else {
                return "another value after writing and reading it again"
            }
            return nil
        }
    }

    /// Events of every kind that this version knows, also of kinds added later.
    private static let sampleEvents: [[UInt8]] = (0..<2_000).flatMap { (kind: UInt64) in
        var writer = ByteWriter()
        writer.write(kind)
        return samples(Event.self, kind: writer.bytes)
    }

    /// The forms that a kind has when all that follows it is zeros (empty, false, absent) or ones (short, true, there).
    private static func samples<Value: BinaryCodable>(_ type: Value.Type, kind: [UInt8]) -> [[UInt8]] {
        ([0, 1] as [UInt8]).compactMap { filler in
            var reader = ByteReader(kind + [UInt8](repeating: filler, count: 256))
            guard let value = try? Value(from: &reader) else { return nil }
            var writer = ByteWriter()
            value.write(to: &writer)
            return writer.bytes
        }
    }
}
