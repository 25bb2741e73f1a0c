package import ProcessEngine
import SQLite

/// Messages, and the element instances that wait for them.
struct MessageStatements {
    static let subscription = RecordTable(
        name: "message_subscription",
        columns: [
            "subscriptionKey", "messageName", "correlationKey", "processInstanceKey", "elementInstanceKey",
            "elementId", "processDefinitionId", "isInterrupting", "tenantId",
        ]
    )
    static let message = RecordTable(
        name: "message",
        columns: [
            "messageKey", "name", "correlationKey", "messageId", "variables", "expiresAt", "tenantId",
            "correlatedProcessIds",
        ]
    )

    let insertSubscription: Statement
    let removeSubscription: Statement
    let subscriptionByKey: Statement
    let subscriptionsOfElement: Statement
    let subscriptionsByMessage: Statement
    let insert: Statement
    let remove: Statement
    let byKey: Statement
    let byName: Statement
    let byMessageID: Statement
    let setCorrelated: Statement

    init(_ database: Database) throws {
        let subscription = MessageStatements.subscription
        let message = MessageStatements.message
        insertSubscription = try database.prepare(subscription.insert)
        removeSubscription = try database.prepare(subscription.deleteByKey)
        subscriptionByKey = try database.prepare(subscription.selectByKey)
        subscriptionsOfElement = try database.prepare(
            subscription.select("WHERE elementInstanceKey = ? ORDER BY subscriptionKey")
        )
        subscriptionsByMessage = try database.prepare(
            subscription.select(
                """
                WHERE messageName = ? AND correlationKey = ? AND tenantId = ? AND subscriptionKey > ?
                ORDER BY subscriptionKey LIMIT ?
                """
            )
        )
        insert = try database.prepare(message.insert)
        remove = try database.prepare(message.deleteByKey)
        byKey = try database.prepare(message.selectByKey)
        byName = try database.prepare(
            message.select(
                """
                WHERE name = ? AND correlationKey = ? AND tenantId = ? AND messageKey > ?
                ORDER BY messageKey LIMIT ?
                """
            )
        )
        // A name has many messages, an id hardly more than one: the unary plus keeps the planner off the other index.
        byMessageID = try database.prepare(
            message.select(
                """
                WHERE name = ? AND +correlationKey = ? AND messageId = ? AND +tenantId = ?
                ORDER BY messageKey LIMIT 1
                """
            )
        )
        setCorrelated = try database.prepare("UPDATE message SET correlatedProcessIds = ? WHERE messageKey = ?")
    }
}

extension SQLiteState {
    package func subscription(_ key: Key) throws -> SubscriptionRecord? {
        var parameters = ParameterWriter(messages.subscriptionByKey)
        try parameters.write(key)
        return try parameters.first { SubscriptionRecord(row: &$0) }
    }

    package func subscriptions(elementInstance: Key) throws -> [SubscriptionRecord] {
        var parameters = ParameterWriter(messages.subscriptionsOfElement)
        try parameters.write(elementInstance)
        return try parameters.rows { SubscriptionRecord(row: &$0) }
    }

    package func subscriptions(
        messageName: String,
        correlationKey: String,
        tenantID: String,
        after: Key,
        limit: Int
    ) throws -> [SubscriptionRecord] {
        var parameters = ParameterWriter(messages.subscriptionsByMessage)
        try parameters.write(messageName)
        try parameters.write(correlationKey)
        try parameters.write(tenantID)
        try parameters.write(after)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { SubscriptionRecord(row: &$0) }
    }

    package func insert(_ record: SubscriptionRecord) throws {
        var parameters = ParameterWriter(messages.insertSubscription)
        try parameters.write(record.key)
        try parameters.write(record.messageName)
        try parameters.write(record.correlationKey)
        try parameters.write(record.processInstanceKey)
        try parameters.write(record.elementInstanceKey)
        try parameters.write(record.elementID)
        try parameters.write(record.processID)
        try parameters.write(record.isInterrupting)
        try parameters.write(record.tenantID)
        try parameters.run()
    }

    package func removeSubscription(_ key: Key) throws { try run(messages.removeSubscription, key) }

    package func message(_ key: Key) throws -> MessageRecord? {
        var parameters = ParameterWriter(messages.byKey)
        try parameters.write(key)
        return try parameters.first { try MessageRecord(row: &$0) }
    }

    package func messages(
        name: String,
        correlationKey: String,
        tenantID: String,
        after: Key,
        limit: Int
    ) throws -> [MessageRecord] {
        var parameters = ParameterWriter(messages.byName)
        try parameters.write(name)
        try parameters.write(correlationKey)
        try parameters.write(tenantID)
        try parameters.write(after)
        try parameters.write(Int64(max(0, limit)))
        return try parameters.rows { try MessageRecord(row: &$0) }
    }

    package func bufferedMessage(
        name: String,
        correlationKey: String,
        messageID: String,
        tenantID: String
    ) throws -> MessageRecord? {
        var parameters = ParameterWriter(messages.byMessageID)
        try parameters.write(name)
        try parameters.write(correlationKey)
        try parameters.write(messageID)
        try parameters.write(tenantID)
        return try parameters.first { try MessageRecord(row: &$0) }
    }

    package func insert(_ record: MessageRecord) throws {
        var parameters = ParameterWriter(messages.insert)
        try parameters.write(record.key)
        try parameters.write(record.name)
        try parameters.write(record.correlationKey)
        try parameters.write(record.messageID)
        var variables = ByteWriter()
        variables.write(record.variables)
        try parameters.write(variables.bytes)
        try parameters.write(record.expiresAt)
        try parameters.write(record.tenantID)
        try parameters.write(record.correlatedProcessIDs)
        try parameters.run()
    }

    /// Adds the process to those that got the message.
    package func setMessageCorrelated(_ key: Key, processID: String) throws {
        guard let record = try message(key), !record.correlatedProcessIDs.contains(processID) else { return }
        var parameters = ParameterWriter(messages.setCorrelated)
        try parameters.write(record.correlatedProcessIDs + [processID])
        try parameters.write(key)
        try parameters.run()
    }

    package func removeMessage(_ key: Key) throws { try run(messages.remove, key) }
}

extension SubscriptionRecord {
    fileprivate init(row: inout RowReader) {
        self.init(
            key: row.key(),
            messageName: row.text(),
            correlationKey: row.text(),
            processInstanceKey: row.key(),
            elementInstanceKey: row.key(),
            elementID: row.text(),
            processID: row.text(),
            isInterrupting: row.bool(),
            tenantID: row.text()
        )
    }
}

extension MessageRecord {
    fileprivate init(row: inout RowReader) throws {
        let key = row.key()
        let name = row.text()
        let correlationKey = row.text()
        let messageID = row.optionalText()
        var variables = ByteReader(row.bytes())
        self.init(
            key: key,
            name: name,
            correlationKey: correlationKey,
            messageID: messageID,
            variables: try variables.variables(),
            expiresAt: row.int64(),
            tenantID: row.text(),
            correlatedProcessIDs: try row.texts()
        )
    }
}
