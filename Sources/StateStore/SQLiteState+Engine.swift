package import ProcessEngine
import SQLite

/// What the engine keeps for itself: continuations, answered requests, transfers between groups, quarantine.
struct EngineStatements {
    static let continuation = RecordTable(
        name: "continuation",
        columns: ["continuationKey", "processInstanceKey", "steps"]
    )
    static let outbox = RecordTable(
        name: "outbox",
        columns: ["targetGroup", "sequence", "content", "awaitingRequest", "answer"]
    )
    static let quarantine = RecordTable(name: "quarantine", columns: ["subject", "incidentKey", "quarantinedAt"])

    let insertContinuation: Statement
    let removeContinuation: Statement
    let continuationByKey: Statement
    let clientRequests: RequestStatements
    let gatewayRequests: RequestStatements
    let insertOutbox: Statement
    let removeOutbox: Statement
    let outboxOfGroup: Statement
    let outboxRecord: Statement
    let lastSequences: Statement
    let setSent: Statement
    let setReceived: Statement
    let insertQuarantine: Statement
    let removeQuarantine: Statement
    let quarantineBySubject: Statement
    let quarantines: Statement

    init(_ database: Database) throws {
        let continuation = EngineStatements.continuation
        let outbox = EngineStatements.outbox
        let quarantine = EngineStatements.quarantine
        insertContinuation = try database.prepare(continuation.insert)
        removeContinuation = try database.prepare(continuation.deleteByKey)
        continuationByKey = try database.prepare(continuation.selectByKey)
        clientRequests = try RequestStatements(database, .client)
        gatewayRequests = try RequestStatements(database, .gateway)
        insertOutbox = try database.prepare(outbox.insert)
        removeOutbox = try database.prepare("DELETE FROM outbox WHERE targetGroup = ? AND sequence = ?")
        outboxOfGroup = try database.prepare(outbox.select("WHERE targetGroup = ? ORDER BY sequence LIMIT ?"))
        outboxRecord = try database.prepare(outbox.select("WHERE targetGroup = ? AND sequence = ?"))
        lastSequences = try database.prepare("SELECT lastSent, lastReceived FROM group_link WHERE groupId = ?")
        setSent = try database.prepare(
            """
            INSERT INTO group_link(groupId, lastSent, lastReceived) VALUES(?, ?, 0)
            ON CONFLICT(groupId) DO UPDATE SET lastSent = excluded.lastSent
            """
        )
        setReceived = try database.prepare(
            """
            INSERT INTO group_link(groupId, lastSent, lastReceived) VALUES(?, 0, ?)
            ON CONFLICT(groupId) DO UPDATE SET lastReceived = excluded.lastReceived
            """
        )
        insertQuarantine = try database.prepare(
            "\(quarantine.insert) ON CONFLICT(subject) DO UPDATE SET "
                + "incidentKey = excluded.incidentKey, quarantinedAt = excluded.quarantinedAt"
        )
        removeQuarantine = try database.prepare(quarantine.deleteByKey)
        quarantineBySubject = try database.prepare(quarantine.selectByKey)
        quarantines = try database.prepare(quarantine.select("ORDER BY subject LIMIT ?"))
    }
}

extension SQLiteState {
    package func continuation(_ key: Key) throws -> ContinuationRecord? {
        var parameters = ParameterWriter(engine.continuationByKey)
        try parameters.write(key)
        return try parameters.first { row in
            ContinuationRecord(
                key: row.key(),
                processInstanceKey: row.key(),
                steps: try row.decoded(StepList.self).steps
            )
        }
    }

    package func insert(_ record: ContinuationRecord) throws {
        var parameters = ParameterWriter(engine.insertContinuation)
        try parameters.write(record.key)
        try parameters.write(record.processInstanceKey)
        try parameters.write(encoded: StepList(steps: record.steps))
        try parameters.run()
    }

    package func removeContinuation(_ key: Key) throws { try run(engine.removeContinuation, key) }

    package func outbox(targetGroup: UInt32, limit: Int) throws -> [OutboxRecord] {
        var parameters = ParameterWriter(engine.outboxOfGroup)
        try parameters.write(Int64(targetGroup))
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { try OutboxRecord(row: &$0) }
    }

    package func outboxRecord(targetGroup: UInt32, sequence: Int64) throws -> OutboxRecord? {
        var parameters = ParameterWriter(engine.outboxRecord)
        try parameters.write(Int64(targetGroup))
        try parameters.write(sequence)
        return try parameters.first { try OutboxRecord(row: &$0) }
    }

    package func lastSequence(sentTo group: UInt32) throws -> Int64 {
        var parameters = ParameterWriter(engine.lastSequences)
        try parameters.write(Int64(group))
        return try parameters.first { $0.int64() } ?? 0
    }

    package func lastSequence(receivedFrom group: UInt32) throws -> Int64 {
        var parameters = ParameterWriter(engine.lastSequences)
        try parameters.write(Int64(group))
        return try parameters.first { row in
            _ = row.int64()
            return row.int64()
        } ?? 0
    }

    package func insert(_ record: OutboxRecord) throws {
        var parameters = ParameterWriter(engine.insertOutbox)
        try parameters.write(Int64(record.targetGroup))
        try parameters.write(record.sequence)
        try parameters.write(encoded: record.content)
        try parameters.write(record.awaitingRequest?.text)
        try parameters.write(encoded: record.answer)
        try parameters.run()
        try setSequence(engine.setSent, group: record.targetGroup, record.sequence)
    }

    package func removeOutbox(targetGroup: UInt32, sequence: Int64) throws {
        try setSequence(engine.removeOutbox, group: targetGroup, sequence)
    }

    package func setReceived(sourceGroup: UInt32, sequence: Int64) throws {
        try setSequence(engine.setReceived, group: sourceGroup, sequence)
    }

    private func setSequence(_ statement: Statement, group: UInt32, _ sequence: Int64) throws {
        var parameters = ParameterWriter(statement)
        try parameters.write(Int64(group))
        try parameters.write(sequence)
        try parameters.run()
    }

    package func quarantine(subject: String) throws -> QuarantineRecord? {
        var parameters = ParameterWriter(engine.quarantineBySubject)
        try parameters.write(subject)
        return try parameters.first { QuarantineRecord(row: &$0) }
    }

    package func quarantines(limit: Int) throws -> [QuarantineRecord] {
        var parameters = ParameterWriter(engine.quarantines)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { QuarantineRecord(row: &$0) }
    }

    package func insert(_ record: QuarantineRecord) throws {
        var parameters = ParameterWriter(engine.insertQuarantine)
        try parameters.write(record.subject)
        try parameters.write(record.incidentKey)
        try parameters.write(record.at)
        try parameters.run()
    }

    package func removeQuarantine(subject: String) throws {
        var parameters = ParameterWriter(engine.removeQuarantine)
        try parameters.write(subject)
        try parameters.run()
    }
}

/// The steps of a continuation in their stored form.
private struct StepList: BinaryCodable {
    var steps: [Step]

    init(steps: [Step]) { self.steps = steps }

    init(from reader: inout ByteReader) throws { steps = try reader.list { try Step(from: &$0) } }

    func write(to writer: inout ByteWriter) {
        writer.write(UInt64(steps.count))
        for step in steps { step.write(to: &writer) }
    }
}

extension OutboxRecord {
    fileprivate init(row: inout RowReader) throws {
        self.init(
            targetGroup: try row.group(),
            sequence: row.int64(),
            content: try row.decoded(Transfer.self),
            awaitingRequest: row.optionalText().map { RequestID($0) },
            answer: try row.decoded(Answer.self)
        )
    }
}

extension QuarantineRecord {
    fileprivate init(row: inout RowReader) {
        self.init(subject: row.text(), incidentKey: row.optionalKey(), at: row.int64())
    }
}
