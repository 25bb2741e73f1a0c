package import ProcessEngine
import SQLite

/// Definitions, their resources, and what starts them.
struct DefinitionStatements {
    static let definition = RecordTable(
        name: "process_definition",
        columns: [
            "processDefinitionKey", "processDefinitionId", "version", "tenantId", "name", "versionTag",
            "deploymentKey", "resourceName", "resourceHash", "resourceKey", "deployedAt",
        ]
    )
    static let resource = RecordTable(name: "resource", columns: ["resourceKey", "name", "content"])
    static let startSubscription = RecordTable(
        name: "start_subscription",
        columns: [
            "startSubscriptionKey", "messageName", "processDefinitionKey", "processDefinitionId", "elementId",
            "tenantId",
        ]
    )

    let insert: Statement
    let byKey: Statement
    let latest: Statement
    let byVersion: Statement
    let byTag: Statement
    let byDeployment: Statement
    let insertResource: Statement
    let resourceByKey: Statement
    let insertStart: Statement
    let removeStart: Statement
    let startsByMessage: Statement
    let startsByDefinition: Statement

    init(_ database: Database) throws {
        let definition = DefinitionStatements.definition
        let start = DefinitionStatements.startSubscription
        let ofProcess = "WHERE processDefinitionId = ? AND tenantId = ?"
        let newest = "ORDER BY version DESC LIMIT 1"
        insert = try database.prepare(definition.insert)
        byKey = try database.prepare(definition.selectByKey)
        latest = try database.prepare(definition.select("\(ofProcess) \(newest)"))
        byVersion = try database.prepare(definition.select("\(ofProcess) AND version = ?"))
        byTag = try database.prepare(definition.select("\(ofProcess) AND versionTag = ? \(newest)"))
        byDeployment = try database.prepare(definition.select("\(ofProcess) AND deploymentKey = ? \(newest)"))
        insertResource = try database.prepare(DefinitionStatements.resource.insert)
        resourceByKey = try database.prepare(DefinitionStatements.resource.selectByKey)
        insertStart = try database.prepare(start.insert)
        removeStart = try database.prepare(start.deleteByKey)
        startsByMessage = try database.prepare(
            start.select("WHERE messageName = ? AND tenantId = ? ORDER BY startSubscriptionKey")
        )
        startsByDefinition = try database.prepare(
            start.select("WHERE processDefinitionKey = ? ORDER BY startSubscriptionKey")
        )
    }
}

extension SQLiteState {
    package func definition(_ key: Key) throws -> DefinitionRecord? {
        var parameters = ParameterWriter(definitions.byKey)
        try parameters.write(key)
        return try parameters.first { try DefinitionRecord(row: &$0) }
    }

    package func latestDefinition(processID: String, tenantID: String) throws -> DefinitionRecord? {
        var parameters = ParameterWriter(definitions.latest)
        try parameters.write(processID)
        try parameters.write(tenantID)
        return try parameters.first { try DefinitionRecord(row: &$0) }
    }

    package func definition(processID: String, version: Int32, tenantID: String) throws -> DefinitionRecord? {
        var parameters = ParameterWriter(definitions.byVersion)
        try parameters.write(processID)
        try parameters.write(tenantID)
        try parameters.write(version)
        return try parameters.first { try DefinitionRecord(row: &$0) }
    }

    package func definition(processID: String, versionTag: String, tenantID: String) throws -> DefinitionRecord? {
        var parameters = ParameterWriter(definitions.byTag)
        try parameters.write(processID)
        try parameters.write(tenantID)
        try parameters.write(versionTag)
        return try parameters.first { try DefinitionRecord(row: &$0) }
    }

    package func definition(processID: String, deploymentKey: Key, tenantID: String) throws -> DefinitionRecord? {
        var parameters = ParameterWriter(definitions.byDeployment)
        try parameters.write(processID)
        try parameters.write(tenantID)
        try parameters.write(deploymentKey)
        return try parameters.first { try DefinitionRecord(row: &$0) }
    }

    package func resource(_ key: Key) throws -> ResourceRecord? {
        var parameters = ParameterWriter(definitions.resourceByKey)
        try parameters.write(key)
        return try parameters.first { ResourceRecord(key: $0.key(), name: $0.text(), content: $0.bytes()) }
    }

    package func startSubscriptions(messageName: String, tenantID: String) throws -> [StartSubscriptionRecord] {
        var parameters = ParameterWriter(definitions.startsByMessage)
        try parameters.write(messageName)
        try parameters.write(tenantID)
        return try parameters.rows { StartSubscriptionRecord(row: &$0) }
    }

    package func startSubscriptions(definitionKey: Key) throws -> [StartSubscriptionRecord] {
        var parameters = ParameterWriter(definitions.startsByDefinition)
        try parameters.write(definitionKey)
        return try parameters.rows { StartSubscriptionRecord(row: &$0) }
    }

    package func insert(_ record: DefinitionRecord) throws {
        var parameters = ParameterWriter(definitions.insert)
        try parameters.write(record.key)
        try parameters.write(record.processID)
        try parameters.write(record.version)
        try parameters.write(record.tenantID)
        try parameters.write(record.name)
        try parameters.write(record.versionTag)
        try parameters.write(record.deploymentKey)
        try parameters.write(record.resourceName)
        try parameters.write(record.resourceHash)
        try parameters.write(record.resourceKey)
        try parameters.write(record.deployedAt)
        try parameters.run()
    }

    package func insert(_ record: ResourceRecord) throws {
        var parameters = ParameterWriter(definitions.insertResource)
        try parameters.write(record.key)
        try parameters.write(record.name)
        try parameters.run(borrowing: record.content)
    }

    package func insert(_ record: StartSubscriptionRecord) throws {
        var parameters = ParameterWriter(definitions.insertStart)
        try parameters.write(record.key)
        try parameters.write(record.messageName)
        try parameters.write(record.definitionKey)
        try parameters.write(record.processID)
        try parameters.write(record.elementID)
        try parameters.write(record.tenantID)
        try parameters.run()
    }

    package func removeStartSubscription(_ key: Key) throws { try run(definitions.removeStart, key) }

    /// Runs a statement whose only parameter is a key.
    func run(_ statement: Statement, _ key: Key) throws {
        var parameters = ParameterWriter(statement)
        try parameters.write(key)
        try parameters.run()
    }
}

extension DefinitionRecord {
    fileprivate init(row: inout RowReader) throws {
        self.init(
            key: row.key(),
            processID: row.text(),
            version: try row.int32(),
            tenantID: row.text(),
            name: row.optionalText(),
            versionTag: row.optionalText(),
            deploymentKey: row.key(),
            resourceName: row.text(),
            resourceHash: row.int64(),
            resourceKey: row.key(),
            deployedAt: row.int64()
        )
    }
}

extension StartSubscriptionRecord {
    fileprivate init(row: inout RowReader) {
        self.init(
            key: row.key(),
            messageName: row.text(),
            definitionKey: row.key(),
            processID: row.text(),
            elementID: row.text(),
            tenantID: row.text()
        )
    }
}
