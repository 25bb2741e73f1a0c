import Testing

@testable import Drills

@Suite struct HistoryTests {
    private static func operation(
        _ kind: RegisterOperation.Kind,
        _ outcome: RegisterOperation.Outcome,
        _ times: ClosedRange<Int64>,
        client: Int = 0
    ) -> RegisterOperation {
        RegisterOperation(
            register: 0,
            client: client,
            node: 1,
            kind: kind,
            outcome: outcome,
            began: times.lowerBound,
            ended: times.upperBound
        )
    }

    @Test func `a history is written and read back`() throws {
        let history = RegisterHistory([
            Self.operation(.write(7), .ok, 1...2), Self.operation(.read(7), .ok, 3...4),
            Self.operation(.write(8), .unknown, 5...6), Self.operation(.read(nil), .failed, 7...8),
        ])
        let folder = try Files.makeTemporaryFolder()
        defer { Files.removeTree(folder) }

        try history.write(path: "\(folder)/history.jsonl")

        #expect(try RegisterHistory.read(path: "\(folder)/history.jsonl") == history)
    }

    @Test(arguments: [
        "{", "[]", "{}", #"{"register":0}"#,
        #"{"register":0,"client":0,"node":0,"operation":"write","outcome":"ok","began":1,"ended":2}"#,
        #"{"register":0,"client":0,"node":0,"operation":"burn","value":1,"outcome":"ok","began":1,"ended":2}"#,
        #"{"register":0,"client":0,"node":0,"operation":"read","value":1,"outcome":"so","began":1,"ended":2}"#,
        #"{"register":0,"client":0,"node":0,"operation":"read","value":1,"outcome":"ok","began":3,"ended":2}"#,
        #"{"register":-1,"client":0,"node":0,"operation":"read","value":1,"outcome":"ok","began":1,"ended":2}"#,
    ])
    func `a line that is no operation is refused with its number`(_ line: String) {
        let error = #expect(throws: DrillFailure.self) { try RegisterOperation(line: Array(line.utf8), number: 5) }
        #expect(error?.description.contains("line 5") == true)
    }

    @Test func `reads that show what was written are fine, also what perhaps was`() {
        let history = RegisterHistory([
            Self.operation(.read(0), .ok, 1...2), Self.operation(.write(7), .ok, 3...4),
            Self.operation(.read(7), .ok, 5...6), Self.operation(.write(8), .unknown, 7...8),
            Self.operation(.read(7), .ok, 9...10), Self.operation(.read(8), .ok, 11...12),
            Self.operation(.write(9), .failed, 13...14), Self.operation(.read(8), .ok, 15...16),
        ])

        #expect(RegisterCheck.verdict(history).holds)
    }

    @Test(arguments: [
        // A value that was overwritten before the read began.
        [
            Self.operation(.write(7), .ok, 1...2), Self.operation(.write(8), .ok, 3...4),
            Self.operation(.read(7), .ok, 5...6),
        ],
        // What was refused is there all the same.
        [Self.operation(.write(9), .failed, 1...2), Self.operation(.read(9), .ok, 3...4)],
        // Seen once, then not any more.
        [
            Self.operation(.write(7), .unknown, 1...2), Self.operation(.read(7), .ok, 3...4),
            Self.operation(.read(0), .ok, 5...6),
        ],
    ])
    func `a history that no order explains is caught`(_ operations: [RegisterOperation]) {
        #expect(!RegisterCheck.verdict(RegisterHistory(operations)).holds)
    }

    @Test func `many writes without an answer do not make the check endless`() {
        var operations: [RegisterOperation] = []
        for number in Int64(0)..<2_000 {
            let time = number * 10
            let isOpen = number % 4 == 0
            operations.append(Self.operation(.write(number + 1), isOpen ? .unknown : .ok, time...time + 1))
            // Every other one of the open writes took effect.
            let value = isOpen && number % 8 == 0 ? number : number + 1
            operations.append(Self.operation(.read(value), .ok, time + 2...time + 3, client: 1))
        }

        #expect(RegisterCheck.verdict(RegisterHistory(operations)).holds)
    }

    @Test func `a value that is read before its write began is caught, although the write has no answer`() {
        let history = RegisterHistory([
            Self.operation(.read(5), .ok, 1...2), Self.operation(.write(5), .unknown, 3...4),
        ])

        #expect(!RegisterCheck.verdict(history).holds)
    }

    @Test func `a planted stale read is caught`() {
        let plant = StaleReadPlant()
        var time: Int64 = 0
        var operations: [RegisterOperation] = []
        for value in Int64(1)...20 {
            let write = Self.operation(.write(value), .ok, time...time + 1)
            let read = Self.operation(.read(value), .ok, time + 2...time + 3)
            operations += [plant.operation(insteadOf: write), plant.operation(insteadOf: read)]
            time += 10
        }

        let planted = operations.count { $0.kind == .read(1) && $0.began > 10 }

        #expect(planted == 1)
        #expect(!RegisterCheck.verdict(RegisterHistory(operations)).holds)
    }
}
