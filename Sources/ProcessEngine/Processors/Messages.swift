import BPMNModel

extension Execution {
    /// Publishes a message: correlates it once per process to what waits, starts instances, and buffers it for its
    /// time to live (camunda8.md, section 2.6).
    func publish(_ command: Command.PublishMessage) throws -> Answer {
        try checkNames(command.variables)
        if let id = command.messageID, !id.isEmpty {
            let known = try state.bufferedMessage(
                name: command.name,
                correlationKey: command.correlationKey,
                messageID: id,
                tenantID: command.tenantID
            )
            if let known {
                guard known.expiresAt <= now else {
                    throw Rejection(
                        .alreadyExists,
                        "Expected a new message, but one with id '\(id)', name '\(command.name)' and the same "
                            + "correlation key is buffered already under key \(known.key)"
                    )
                }
                // Its time is over, though nobody has seen to it yet: it must not hide the new one.
                try emit(.messageRemoved(known.key))
            }
        }
        let (sum, isOverflow) = now.addingReportingOverflow(max(0, command.timeToLiveMilliseconds))
        let message = MessageRecord(
            key: newKey(),
            name: command.name,
            correlationKey: command.correlationKey,
            messageID: command.messageID.flatMap { $0.isEmpty ? nil : $0 },
            variables: command.variables,
            expiresAt: isOverflow ? Int64.max : sum,
            tenantID: command.tenantID,
            correlatedProcessIDs: []
        )
        try emit(.messagePublished(message))
        let reached = try correlate(message)
        if command.timeToLiveMilliseconds <= 0 {
            try emit(.messageRemoved(message.key))
        } else {
            for (processID, _) in reached { try emit(.messageCorrelated(message.key, processID: processID)) }
        }
        return .messagePublished(key: message.key, tenantID: message.tenantID)
    }

    /// Correlates at once; start events come first in the answer. Nothing is buffered.
    func correlate(_ command: Command.CorrelateMessage) throws -> Answer {
        try checkNames(command.variables)
        let message = MessageRecord(
            key: newKey(),
            name: command.name,
            correlationKey: command.correlationKey,
            messageID: nil,
            variables: command.variables,
            expiresAt: now,
            tenantID: command.tenantID,
            correlatedProcessIDs: []
        )
        guard let first = try correlate(message).first else {
            throw Rejection(
                .notFound,
                "Expected something that waits for message '\(command.name)' with correlation key "
                    + "'\(command.correlationKey)', but there is nothing"
            )
        }
        return .messageCorrelated(key: message.key, tenantID: message.tenantID, processInstanceKey: first.instance)
    }

    /// - Returns: the process ids and instances it reached, started ones first.
    private func correlate(_ message: MessageRecord) throws -> [(processID: String, instance: Key)] {
        var reached: [(processID: String, instance: Key)] = []
        for start in try state.startSubscriptions(messageName: message.name, tenantID: message.tenantID) {
            if let instance = try startInstance(start, with: message) { reached.append((start.processID, instance)) }
        }
        let limit = environment.limits.subscriptionsPerMessage
        var last = Key(0)
        // Many instances of one process must not hide those of another, so further pages are looked at.
        for _ in 0..<Execution.subscriptionPages {
            let waiting = try state.subscriptions(
                messageName: message.name,
                correlationKey: message.correlationKey,
                tenantID: message.tenantID,
                after: last,
                limit: limit
            )
            for subscription in waiting where !reached.contains(where: { $0.processID == subscription.processID }) {
                // An earlier one may have closed it, and a quarantined instance takes nothing.
                guard try state.subscription(subscription.key) != nil, try isRunnable(subscription.processInstanceKey)
                else { continue }
                reached.append((subscription.processID, subscription.processInstanceKey))
                try trigger(subscription, variables: message.variables)
            }
            guard waiting.count == limit, let next = waiting.last else { break }
            last = next.key
        }
        return reached
    }

    private static let subscriptionPages = 100

    private func isRunnable(_ instance: Key) throws -> Bool {
        do {
            _ = try self.instance(instance)
            return true
        } catch is Rejection {
            return false
        }
    }

    /// Starts an instance by a message, unless one with the same correlation key still runs.
    private func startInstance(_ subscription: StartSubscriptionRecord, with message: MessageRecord) throws -> Key? {
        let correlationKey = message.correlationKey.isEmpty ? nil : message.correlationKey
        if let correlationKey,
            try state.hasActiveInstance(
                processID: subscription.processID,
                tenantID: subscription.tenantID,
                startCorrelationKey: correlationKey
            )
        {
            return nil
        }
        guard let definition = try state.definition(subscription.definitionKey) else {
            throw EngineFault("Expected definition \(subscription.definitionKey) of a start subscription")
        }
        return try createInstance(
            of: definition,
            startElementID: subscription.elementID,
            variables: message.variables,
            correlationKey: correlationKey
        )
    }

    /// An instance that was started by a message ended: the next buffered message with its key starts another.
    func startNextBuffered(processID: String, tenantID: String, correlationKey: String) throws {
        guard let latest = try state.latestDefinition(processID: processID, tenantID: tenantID) else { return }
        for subscription in try state.startSubscriptions(definitionKey: latest.key) {
            let buffered = try state.messages(
                name: subscription.messageName,
                correlationKey: correlationKey,
                tenantID: tenantID,
                after: Key(0),
                limit: environment.limits.subscriptionsPerMessage
            )
            for message in buffered
            where message.expiresAt > now && !message.correlatedProcessIDs.contains(processID) {
                if try startInstance(subscription, with: message) != nil {
                    try emit(.messageCorrelated(message.key, processID: processID))
                    return
                }
            }
        }
    }

    private func trigger(_ subscription: SubscriptionRecord, variables: VariableDocument) throws {
        if subscription.isInterrupting { try emit(.subscriptionClosed(subscription.key)) }
        let host = try located(subscription.elementInstanceKey)
        guard let index = host.model.index(of: subscription.elementID) else {
            throw EngineFault("Expected element \(subscription.elementID) in \(host.model.id)")
        }
        try trigger(index, host: host, variables: variables)
    }

    /// A new subscription takes the oldest buffered message that fits.
    func correlateBuffered(_ key: Key) throws {
        guard let subscription = try state.subscription(key) else { return }
        let buffered = try state.messages(
            name: subscription.messageName,
            correlationKey: subscription.correlationKey,
            tenantID: subscription.tenantID,
            after: Key(0),
            limit: environment.limits.subscriptionsPerMessage
        )
        for message in buffered
        where message.expiresAt > now && !message.correlatedProcessIDs.contains(subscription.processID) {
            try emit(.messageCorrelated(message.key, processID: subscription.processID))
            try trigger(subscription, variables: message.variables)
            if subscription.isInterrupting { return }
        }
    }

    func expireMessage(_ key: Key) throws {
        guard let message = try state.message(key), message.expiresAt <= now else { return }
        try emit(.messageRemoved(key))
    }
}
