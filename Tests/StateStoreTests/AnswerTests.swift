import ProcessEngine
import SQLite
import Testing

@testable import StateStore

/// Answered requests that nodes named: found in memory, kept in rows.
@Suite struct AnswerTests {
    private func id(_ number: Int) -> RequestID { .made("node-1-\(number)") }

    private func add(_ numbers: ClosedRange<Int>, to state: SQLiteState) throws {
        for number in numbers { try state.insert(Sample.answered(id(number).text, at: Int64(number))) }
    }

    /// Which of the first forty requests are known.
    private func known(_ state: SQLiteState) throws -> [Int] {
        try (1...40).filter { number in
            let found = try state.answeredRequest(id(number))
            if let found { #expect(found == Sample.answered(id(number).text, at: Int64(number))) }
            return found != nil
        }
    }

    @Test func `answers are found after they came, and not after they went`() throws {
        let state = try openState()
        try add(1...20, to: state)
        try state.insert(Sample.answered("node-1-3", at: 3))

        #expect(try known(state) == Array(1...20))
        try state.removeAnsweredRequests(.gateway, through: 5)
        #expect(try known(state) == Array(6...20))
        try state.removeAnsweredRequests(.client, through: 99)
        try state.commit(Sample.position(1))
        #expect(try known(state) == Array(6...20))

        try state.begin()
        try state.removeAnsweredRequests(.gateway, through: 99)
        try state.commit(Sample.position(2))
        #expect(try known(state) == [])
        #expect(state.answers.count == 0)
    }

    @Test func `a rollback takes answers away and brings removed ones back`() throws {
        let state = try openState()
        try add(1...10, to: state)
        try state.commit(Sample.position(1))

        try state.begin()
        try state.removeAnsweredRequests(.gateway, through: 3)
        try state.setSavepoint()
        try state.removeAnsweredRequests(.gateway, through: 10)
        // With no row left, positions begin anew.
        try add(5...12, to: state)
        #expect(try known(state) == Array(5...12))
        try state.rollBackToSavepoint()
        #expect(try known(state) == Array(4...10))
        try state.rollback()

        #expect(try known(state) == Array(1...10))
    }

    @Test func `a request is answered once`() throws {
        let state = try openState()
        try add(1...1, to: state)

        #expect(throws: StateStoreError.self) { try add(1...1, to: state) }
    }

    @Test func `answers are found after a restart`() throws {
        try withFolder { folder in
            do {
                let state = try SQLiteState(folder: folder)
                try state.begin()
                try add(1...10, to: state)
                try state.removeAnsweredRequests(.gateway, through: 4)
                try state.commit(Sample.position(1))
            }
            #expect(try known(try SQLiteState(folder: folder)) == Array(5...10))
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `what is found is what the rows say`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let state = try SQLiteState.inMemory()
        var next = 1
        for round in 1...300 as ClosedRange<UInt64> {
            try state.begin()
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                try state.setSavepoint()
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let time = Int.random(in: max(1, next - 3_000)..<next + 1, using: &random)
                    try state.removeAnsweredRequests(.gateway, through: Int64(time))
                } else {
                    let count = Int.random(in: 1..<100, using: &random)
                    try add(next...(next + count), to: state)
                    next += count + 1
                }
                if Int.random(in: 0..<3, using: &random) == 0 {
                    try state.rollBackToSavepoint()
                } else {
                    try state.releaseSavepoint()
                }
            }
            if Bool.random(using: &random) { try state.commit(Sample.position(round)) } else { try state.rollback() }

            #expect(state.answers.count == (try state.answeredRequests(.gateway).count), "round \(round)")
            guard round % 50 == 0 else { continue }
            let rows = try state.database.prepare("SELECT id FROM answered_submission")
            while try rows.step() { #expect(try state.answeredRequest(RequestID(rows.text(0))) != nil) }
        }
    }
}
