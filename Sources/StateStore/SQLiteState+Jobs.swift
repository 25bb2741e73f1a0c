package import ProcessEngine
import SQLite

/// Jobs.
struct JobStatements {
    static let table = RecordTable(
        name: "job",
        columns: [
            "jobKey", "type", "processInstanceKey", "elementInstanceKey", "elementId", "state", "mark", "retries",
            "priority", "worker", "deadline", "activations", "errorCode", "errorMessage", "customHeaders", "tenantId",
            "creationTime", "lastUpdateTime", "endTime",
        ],
        bytesAsText: ["customHeaders"]
    )

    let insert: Statement
    let byKey: Statement
    let activatable: Statement
    let setActivated: Statement
    let setEnded: Statement
    let update: Statement

    init(_ database: Database) throws {
        let table = JobStatements.table
        insert = try database.prepare(table.insert)
        byKey = try database.prepare(table.selectByKey)
        activatable = try database.prepare(
            table.select("WHERE tenantId = ? AND type = ? AND state = 0 ORDER BY priority DESC, jobKey LIMIT ?")
        )
        setActivated = try database.prepare(
            """
            UPDATE job SET state = 1, worker = ?, deadline = ?, activations = activations + 1, lastUpdateTime = ?
            WHERE jobKey = ?
            """
        )
        setEnded = try database.prepare(table.update(["state", "mark", "endTime", "lastUpdateTime"]))
        // A job never moves to another instance, so the index by instance needs no look.
        update = try database.prepare(
            table.update(table.columns.filter { $0 != "jobKey" && $0 != "processInstanceKey" })
        )
    }
}

extension SQLiteState {
    package func job(_ key: Key) throws -> JobRecord? {
        var parameters = ParameterWriter(jobs.byKey)
        try parameters.write(key)
        return try parameters.first { try JobRecord(row: &$0) }
    }

    package func activatableJobs(type: String, tenantIDs: [String], limit: Int) throws -> [JobRecord] {
        if tenantIDs.count == 1 { return try activatableJobs(type: type, tenantID: tenantIDs[0], limit: limit) }
        var found: [JobRecord] = []
        for (position, tenantID) in tenantIDs.enumerated() where !tenantIDs[..<position].contains(tenantID) {
            found += try activatableJobs(type: type, tenantID: tenantID, limit: limit)
        }
        found.sort { ($1.priority, $0.key) < ($0.priority, $1.key) }
        return Array(found.prefix(max(0, limit)))
    }

    private func activatableJobs(type: String, tenantID: String, limit: Int) throws -> [JobRecord] {
        var parameters = ParameterWriter(jobs.activatable)
        try parameters.write(tenantID)
        try parameters.write(type)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { try JobRecord(row: &$0) }
    }

    package func insert(_ record: JobRecord) throws {
        var parameters = ParameterWriter(jobs.insert)
        try parameters.write(record.key)
        try parameters.write(record.type)
        try parameters.write(record.processInstanceKey)
        try write(record, to: &parameters)
        try parameters.run()
    }

    /// Replaces all but the key and the process instance, which never change.
    package func update(_ record: JobRecord) throws {
        var parameters = ParameterWriter(jobs.update)
        try parameters.write(record.type)
        try write(record, to: &parameters)
        try parameters.write(record.key)
        try parameters.run()
    }

    /// Everything from the element instance on.
    private func write(_ record: JobRecord, to parameters: inout ParameterWriter) throws {
        try parameters.write(record.elementInstanceKey)
        try parameters.write(record.elementID)
        try parameters.write(record.state)
        try parameters.write(record.mark)
        try parameters.write(record.retries)
        try parameters.write(record.priority)
        try parameters.write(record.worker)
        try parameters.write(record.deadline)
        try parameters.write(record.activations)
        try parameters.write(record.errorCode)
        try parameters.write(record.errorMessage)
        try parameters.write(record.headers)
        try parameters.write(record.tenantID)
        try parameters.write(record.createdAt)
        try parameters.write(record.updatedAt)
        try parameters.write(record.endedAt)
    }

    package func setJobActivated(_ key: Key, worker: String, deadline: Int64, at time: Int64) throws {
        var parameters = ParameterWriter(jobs.setActivated)
        try parameters.write(worker)
        try parameters.write(deadline)
        try parameters.write(time)
        try parameters.write(key)
        try parameters.run()
    }

    /// Sets COMPLETED or CANCELED, as state and as mark.
    package func setJobEnded(_ key: Key, state: JobState, at time: Int64) throws {
        var parameters = ParameterWriter(jobs.setEnded)
        try parameters.write(state)
        try parameters.write(state == .completed ? JobMark.completed : JobMark.canceled)
        try parameters.write(time)
        try parameters.write(time)
        try parameters.write(key)
        try parameters.run()
    }
}

extension JobRecord {
    fileprivate init(row: inout RowReader) throws {
        self.init(
            key: row.key(),
            type: row.text(),
            processInstanceKey: row.key(),
            elementInstanceKey: row.key(),
            elementID: row.text(),
            state: try row.enumeration(JobState.self),
            mark: try row.enumeration(JobMark.self),
            retries: try row.int32(),
            priority: try row.int32(),
            worker: row.text(),
            deadline: row.optionalInt64(),
            activations: try row.int32(),
            errorCode: row.optionalText(),
            errorMessage: row.optionalText(),
            headers: row.bytes(),
            tenantID: row.text(),
            createdAt: row.int64(),
            updatedAt: row.int64(),
            endedAt: row.optionalInt64()
        )
    }
}
