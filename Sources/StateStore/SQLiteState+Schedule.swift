package import ProcessEngine
import SQLite

/// What is due, and how many answers are kept.
struct ScheduleStatements {
    let dueTimers: Statement
    let dueJobs: Statement
    let expiredMessages: Statement
    let continuations: Statement
    let nextTimer: Statement
    let nextJob: Statement
    let nextMessage: Statement

    init(_ database: Database) throws {
        dueTimers = try database.prepare(
            "SELECT timerKey FROM timer WHERE dueAt <= ? ORDER BY dueAt, timerKey LIMIT ?"
        )
        dueJobs = try database.prepare(
            "SELECT jobKey FROM job WHERE state IN (1, 2) AND deadline <= ? ORDER BY deadline, jobKey LIMIT ?"
        )
        expiredMessages = try database.prepare(
            "SELECT messageKey FROM message WHERE expiresAt <= ? ORDER BY expiresAt, messageKey LIMIT ?"
        )
        continuations = try database.prepare(
            "SELECT continuationKey FROM continuation ORDER BY continuationKey LIMIT ?"
        )
        nextTimer = try database.prepare("SELECT dueAt FROM timer ORDER BY dueAt LIMIT 1")
        nextJob = try database.prepare(
            """
            SELECT deadline FROM job WHERE state IN (1, 2) AND deadline IS NOT NULL ORDER BY deadline LIMIT 1
            """
        )
        nextMessage = try database.prepare("SELECT expiresAt FROM message ORDER BY expiresAt LIMIT 1")
    }
}

extension SQLiteState {
    package func dueTimers(now: Int64, limit: Int) throws -> [Key] { try due(schedule.dueTimers, now, limit) }

    package func dueJobs(now: Int64, limit: Int) throws -> [Key] { try due(schedule.dueJobs, now, limit) }

    package func expiredMessages(now: Int64, limit: Int) throws -> [Key] {
        try due(schedule.expiredMessages, now, limit)
    }

    package func continuations(limit: Int) throws -> [Key] {
        var parameters = ParameterWriter(schedule.continuations)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { $0.key() }
    }

    private func due(_ statement: Statement, _ now: Int64, _ limit: Int) throws -> [Key] {
        var parameters = ParameterWriter(statement)
        try parameters.write(now)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { $0.key() }
    }

    /// The earliest time anything is due. A continuation is due at once: then the answer is 0, a time long past.
    package func nextDueTime() throws -> Int64? {
        if try !continuations(limit: 1).isEmpty { return 0 }
        var earliest: Int64?
        for statement in [schedule.nextTimer, schedule.nextJob, schedule.nextMessage] {
            guard let time = try ParameterWriter(statement).first({ $0.int64() }) else { continue }
            earliest = min(earliest ?? time, time)
        }
        return earliest
    }
}
