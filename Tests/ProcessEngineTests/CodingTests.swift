import Foundation
import ProcessEngine
import Testing

@Suite struct CodingTests {
    private static func bytes(_ value: some BinaryCodable) -> [UInt8] {
        var writer = ByteWriter()
        value.write(to: &writer)
        return writer.bytes
    }

    private static func readBack<Value: BinaryCodable>(_ value: Value) throws -> Value {
        var reader = ByteReader(bytes(value))
        let result = try Value(from: &reader)
        #expect(reader.isAtEnd, "bytes are left of \(value)")
        return result
    }

    @Test(arguments: CodingSamples.events.map(\.name)) func `an event comes back as it was`(name: String) throws {
        let event = try #require(CodingSamples.events.first { $0.name == name }?.event)
        #expect(try Self.readBack(event) == event)
    }

    @Test func `answers and commands come back as they were`() throws {
        for answer in CodingSamples.answers { #expect(try Self.readBack(answer) == answer) }
        for command in CodingSamples.commands { #expect(try Self.readBack(command) == command) }
    }

    @Test func `different commands have different hashes`() {
        #expect(Set(CodingSamples.commands.map { CommandHash.of($0) }).count == CodingSamples.commands.count)
    }

    @Test func `all kinds of events are among the samples`() {
        var kinds: Set<UInt64> = []
        for sample in CodingSamples.events {
            var reader = ByteReader(Self.bytes(sample.event))
            kinds.insert((try? reader.unsigned()) ?? 0)
        }
        #expect(kinds.count == Self.kindCount)
        for (name, event) in CodingSamples.events {
            #expect(name.hasPrefix(Self.caseName(event)), "\(name)")
        }
    }

    /// Number of cases of `Event`; a new one needs a sample and a line in the golden file.
    private static let kindCount = 42

    private static func caseName(_ event: Event) -> String {
        String("\(event)".prefix { $0 != "(" })
    }

    @Test func `what is written now is what was written before`() throws {
        // The log of an older version must stay readable: a changed form needs a new kind of event. The file is written
        // anew with THALWEG_REWRITE_GOLDEN=1, and read before it is committed.
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/events.txt")
        let lines = CodingSamples.events.map { name, event in
            "\(name) "
                + Self.bytes(event).map { byte in
                    let text = String(byte, radix: 16)
                    return text.count == 1 ? "0" + text : text
                }.joined()
        }
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["THALWEG_REWRITE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: file)
        }

        let golden = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        for (now, before) in zip(lines, golden.split(separator: "\n")) { #expect(now == before) }
        #expect(text == golden)
    }

    @Test func `cut or changed bytes are refused or read, but never trap`() throws {
        var random = SeededGenerator(seed: 4)
        let originals =
            CodingSamples.events.map { Self.bytes($0.event) } + CodingSamples.answers.map { Self.bytes($0) }
            + CodingSamples.commands.map { Self.bytes($0) }
        var refused = 0
        for original in originals {
            for end in 0..<original.count { refused += Self.tryAll(Array(original[..<end])) }
            for _ in 0..<200 {
                var changed = original
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let position = Int.random(in: 0..<changed.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: changed[position] = .random(in: 0...255, using: &random)
                    case 1: changed[position] = [0, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
                    case 2 where changed.count > 1: changed.remove(at: position)
                    default: changed.insert(0xff, at: position)
                    }
                }
                refused += Self.tryAll(changed)
            }
        }
        #expect(refused > 1_000)
    }

    /// - Returns: how many readers refused the bytes.
    private static func tryAll(_ bytes: [UInt8]) -> Int {
        var refused = 0
        for read in readers {
            do { try read(bytes) } catch { refused += 1 }
        }
        return refused
    }

    private static let readers: [@Sendable ([UInt8]) throws -> Void] = [
        {
            var reader = ByteReader($0)
            let event = try Event(from: &reader)
            // What can be read can be written and read again.
            #expect(try readBack(event) == event)
        },
        {
            var reader = ByteReader($0)
            _ = try Answer(from: &reader)
        },
        {
            var reader = ByteReader($0)
            _ = try Command(from: &reader)
        },
    ]

    @Test func `an unknown kind of event is said to be one`() {
        #expect(throws: UnknownEventKind.self) {
            var reader = ByteReader([0xe7, 0x07])
            _ = try Event(from: &reader)
        }
    }

    @Test(arguments: [Int64.min, -1, 0, 1, 63, 64, 1 << 40, .max]) func `integers come back`(value: Int64) throws {
        var writer = ByteWriter()
        writer.write(value)
        writer.write(UInt64(bitPattern: value))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.int64() == value)
        #expect(try reader.unsigned() == UInt64(bitPattern: value))
    }
}
