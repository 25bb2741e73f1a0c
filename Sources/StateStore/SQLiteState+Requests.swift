package import ProcessEngine
import SQLite

/// Answered requests of one lane, in a table of their own: those of one lane are forgotten long before those of the
/// other.
struct RequestStatements {
    let insert: Statement
    let remove: Statement
    /// By id, or by position where ids are found in memory.
    let find: Statement
    let oldest: Statement
    let newest: Statement
    let time: Statement

    init(_ database: Database, _ lane: RequestLane) throws {
        let name = lane == .client ? "answered_request" : "answered_submission"
        let table = RecordTable(name: name, columns: ["id", "commandHash", "answer", "answeredAt"])
        insert = try database.prepare(table.insert)
        // Positions stand for the order of time: the look for the first younger row ends there.
        remove = try database.prepare(
            """
            DELETE FROM \(name) WHERE position < coalesce(
                (SELECT position FROM \(name) WHERE answeredAt > ? ORDER BY position LIMIT 1),
                9223372036854775807
            )
            """
        )
        find = try database.prepare(table.select(lane == .client ? "WHERE id = ?" : "WHERE position = ?"))
        oldest = try database.prepare("SELECT position, answeredAt FROM \(name) ORDER BY position LIMIT 1")
        newest = try database.prepare("SELECT position FROM \(name) ORDER BY position DESC LIMIT 1")
        time = try database.prepare("SELECT answeredAt FROM \(name) WHERE position = ?")
    }
}

extension SQLiteState {
    private func requests(_ lane: RequestLane) -> RequestStatements {
        lane == .client ? engine.clientRequests : engine.gatewayRequests
    }

    package func answeredRequest(_ id: RequestID) throws -> AnsweredRequest? {
        var parameters = ParameterWriter(requests(id.lane).find)
        switch id.lane {
        case .client: try parameters.write(id.text)
        case .gateway:
            guard let position = answers.position(of: id) else { return nil }
            try parameters.write(position)
        }
        let found = try parameters.first { row in
            AnsweredRequest(
                id: RequestID(row.text()),
                commandHash: row.int64(),
                answer: try row.decoded(Answer.self),
                answeredAt: row.int64()
            )
        }
        return found?.id == id ? found : nil
    }

    /// Times of answers must not go back; group time does not. An id that is there already is refused.
    package func insert(_ record: AnsweredRequest) throws {
        if record.id.lane == .gateway, try answeredRequest(record.id) != nil {
            throw StateStoreError(
                .invalidRow,
                "Expected a request without an answer, but got \(record.id.text.dropFirst())"
            )
        }
        var parameters = ParameterWriter(requests(record.id.lane).insert)
        try parameters.write(record.id.text)
        try parameters.write(record.commandHash)
        try parameters.write(encoded: record.answer)
        try parameters.write(record.answeredAt)
        try parameters.run()
        if record.id.lane == .gateway { answers.append(record.id, at: database.lastInsertRowID) }
    }

    package func removeAnsweredRequests(_ lane: RequestLane, through time: Int64) throws {
        var parameters = ParameterWriter(requests(lane).remove)
        try parameters.write(time)
        try parameters.run()
        if lane == .gateway { answers.removeFirst(Int(database.changes)) }
    }

    /// Counted by position: rows have none in between missing.
    package func answeredRequests(_ lane: RequestLane) throws -> (count: Int, oldest: Int64?) {
        let oldest = try ParameterWriter(requests(lane).oldest).first { ($0.int64(), $0.int64()) }
        let newest = try ParameterWriter(requests(lane).newest).first { $0.int64() }
        guard let (first, time) = oldest, let newest else { return (0, nil) }
        return (Int(newest - first + 1), time)
    }

    /// - Parameter position: 1 is the newest.
    package func answeredRequestTime(_ lane: RequestLane, newest position: Int) throws -> Int64? {
        guard position > 0, let newest = try ParameterWriter(requests(lane).newest).first({ $0.int64() }) else {
            return nil
        }
        var parameters = ParameterWriter(requests(lane).time)
        try parameters.write(newest - Int64(position) + 1)
        return try parameters.first { $0.int64() }
    }
}
