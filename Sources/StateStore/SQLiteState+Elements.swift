package import ProcessEngine
import SQLite

/// Element instances and the flows that wait at joining gateways.
struct ElementStatements {
    static let table = RecordTable(
        name: "element_instance",
        columns: [
            "elementInstanceKey", "processInstanceKey", "elementId", "elementName", "type", "elementInstanceScopeKey",
            "state", "startDate", "endDate", "activeChildren", "waitsFor", "incidentKey", "interruptedBy",
        ]
    )
    static let flowTable = RecordTable(
        name: "taken_flow",
        columns: ["scopeKey", "gateway", "flow", "processInstanceKey", "count"]
    )

    let insert: Statement
    let byKey: Statement
    let activeChildren: Statement
    let setState: Statement
    let setInterrupted: Statement
    let setWaitsFor: Statement
    let setIncident: Statement
    let addActiveChildren: Statement
    let takenFlows: Statement
    let addTakenFlow: Statement
    let removeLastFlow: Statement
    let removeOneFlow: Statement

    init(_ database: Database) throws {
        let table = ElementStatements.table
        let flowTable = ElementStatements.flowTable
        insert = try database.prepare(table.insert)
        byKey = try database.prepare(table.selectByKey)
        activeChildren = try database.prepare(
            table.select("WHERE elementInstanceScopeKey = ? AND state < 4 ORDER BY elementInstanceKey LIMIT ?")
        )
        setState = try database.prepare(table.update(["state", "endDate"]))
        setInterrupted = try database.prepare(table.update(["interruptedBy"]))
        setWaitsFor = try database.prepare(table.update(["waitsFor"]))
        setIncident = try database.prepare(table.update(["incidentKey"]))
        addActiveChildren = try database.prepare(
            "UPDATE element_instance SET activeChildren = activeChildren + ? WHERE elementInstanceKey = ?"
        )
        takenFlows = try database.prepare(flowTable.select("WHERE scopeKey = ? AND gateway = ? ORDER BY flow"))
        addTakenFlow = try database.prepare(
            "\(flowTable.insert) ON CONFLICT(scopeKey, gateway, flow) DO UPDATE SET count = count + excluded.count"
        )
        let ofFlow = "WHERE scopeKey = ? AND gateway = ? AND flow = ?"
        removeLastFlow = try database.prepare("DELETE FROM taken_flow \(ofFlow) AND count <= 1")
        removeOneFlow = try database.prepare("UPDATE taken_flow SET count = count - 1 \(ofFlow)")
    }
}

extension SQLiteState {
    package func elementInstance(_ key: Key) throws -> ElementInstanceRecord? {
        if let known = recentElements[key] { return known }
        var parameters = ParameterWriter(elements.byKey)
        try parameters.write(key)
        let record = try parameters.first { try ElementInstanceRecord(row: &$0) }
        if let record { recentElements.keep(record) }
        return record
    }

    package func activeChildren(scope: Key, processInstance: Key, limit: Int) throws -> [ElementInstanceRecord] {
        var parameters = ParameterWriter(elements.activeChildren)
        try parameters.write(scope)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { try ElementInstanceRecord(row: &$0) }
    }

    package func takenFlows(scope: Key, gateway: Int32) throws -> [TakenFlowRecord] {
        var parameters = ParameterWriter(elements.takenFlows)
        try parameters.write(scope)
        try parameters.write(gateway)
        return try parameters.rows { try TakenFlowRecord(row: &$0) }
    }

    package func insert(_ record: ElementInstanceRecord) throws {
        var parameters = ParameterWriter(elements.insert)
        try parameters.write(record.key)
        try parameters.write(record.processInstanceKey)
        try parameters.write(record.elementID)
        try parameters.write(record.name)
        try parameters.write(record.kind)
        try parameters.write(record.scopeKey)
        try parameters.write(record.state)
        try parameters.write(record.startedAt)
        try parameters.write(record.endedAt)
        try parameters.write(record.activeChildren)
        try parameters.write(record.waitsFor)
        try parameters.write(record.incidentKey)
        try parameters.write(record.interruptedBy)
        try parameters.run()
        // What has ended is hardly asked for again.
        if !record.state.isFinal { recentElements.keep(record) }
    }

    package func setElementState(_ key: Key, _ state: ElementState, endedAt: Int64?) throws {
        var parameters = ParameterWriter(elements.setState)
        try parameters.write(state)
        try parameters.write(endedAt)
        try parameters.write(key)
        try parameters.run()
        recentElements.change(key) { record in
            record.state = state
            record.endedAt = endedAt
        }
    }

    package func setElementInterrupted(_ key: Key, by: Key) throws {
        try setReference(elements.setInterrupted, key, by)
        recentElements.change(key) { $0.interruptedBy = by }
    }

    package func setElementWaitsFor(_ key: Key, _ target: Key?) throws {
        try setReference(elements.setWaitsFor, key, target)
        recentElements.change(key) { $0.waitsFor = target }
    }

    package func setElementIncident(_ key: Key, _ incident: Key?) throws {
        try setReference(elements.setIncident, key, incident)
        recentElements.change(key) { $0.incidentKey = incident }
    }

    private func setReference(_ statement: Statement, _ key: Key, _ reference: Key?) throws {
        var parameters = ParameterWriter(statement)
        try parameters.write(reference)
        try parameters.write(key)
        try parameters.run()
    }

    package func addActiveChildren(_ scope: Key, _ change: Int32) throws {
        var parameters = ParameterWriter(elements.addActiveChildren)
        try parameters.write(change)
        try parameters.write(scope)
        try parameters.run()
        recentElements.change(scope) { $0.activeChildren &+= change }
    }

    package func addTakenFlow(_ record: TakenFlowRecord) throws {
        var parameters = ParameterWriter(elements.addTakenFlow)
        try parameters.write(record.scopeKey)
        try parameters.write(record.gateway)
        try parameters.write(record.flow)
        try parameters.write(record.processInstanceKey)
        try parameters.write(record.count)
        try parameters.run()
    }

    package func removeTakenFlow(scope: Key, gateway: Int32, flow: Int32) throws {
        try changeTakenFlow(elements.removeLastFlow, scope, gateway, flow)
        guard database.changes == 0 else { return }
        try changeTakenFlow(elements.removeOneFlow, scope, gateway, flow)
    }

    private func changeTakenFlow(_ statement: Statement, _ scope: Key, _ gateway: Int32, _ flow: Int32) throws {
        var parameters = ParameterWriter(statement)
        try parameters.write(scope)
        try parameters.write(gateway)
        try parameters.write(flow)
        try parameters.run()
    }
}

extension ElementInstanceRecord {
    fileprivate init(row: inout RowReader) throws {
        self.init(
            key: row.key(),
            processInstanceKey: row.key(),
            elementID: row.text(),
            name: row.optionalText(),
            kind: row.text(),
            scopeKey: row.optionalKey(),
            state: try row.enumeration(ElementState.self),
            startedAt: row.int64(),
            endedAt: row.optionalInt64(),
            activeChildren: try row.int32(),
            waitsFor: row.optionalKey(),
            incidentKey: row.optionalKey(),
            interruptedBy: row.optionalKey()
        )
    }
}

extension TakenFlowRecord {
    fileprivate init(row: inout RowReader) throws {
        let scopeKey = row.key()
        let gateway = try row.int32()
        let flow = try row.int32()
        self.init(
            scopeKey: scopeKey,
            processInstanceKey: row.key(),
            gateway: gateway,
            flow: flow,
            count: try row.int32()
        )
    }
}
