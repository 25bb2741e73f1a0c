extension DeploymentResource: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(name)
        writer.write(content)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(name: try reader.string(), content: try reader.byteArray())
    }
}

extension DefinitionReference: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .key(let key):
            writer.write(UInt8(0))
            writer.write(key)
        case .processID(let processID, let version):
            writer.write(UInt8(1))
            writer.write(processID)
            writer.write(version)
        }
    }

    package init(from reader: inout ByteReader) throws {
        switch try reader.byte() {
        case 0: self = .key(try reader.key())
        case 1: self = .processID(try reader.string(), version: try reader.optional { try $0.int32() })
        case let other: throw DecodingFailure("Expected a reference of kind 0 or 1, but got \(other)")
        }
    }
}

extension Command.CreateInstance: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        definition.write(to: &writer)
        writer.write(variables)
        writer.write(tenantID)
        writer.write(startElementIDs)
        writer.write(tags)
        writer.write(businessID)
        writer.write(awaitedResult) { $0.write($1.fetchVariables) }
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            definition: try DefinitionReference(from: &reader),
            variables: try reader.variables(),
            tenantID: try reader.string(),
            startElementIDs: try reader.strings(),
            tags: try reader.strings(),
            businessID: try reader.optionalString(),
            awaitedResult: try reader.optional { AwaitedResult(fetchVariables: try $0.strings()) }
        )
    }
}

extension Command.ActivateJobs: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(type)
        writer.write(worker)
        writer.write(timeoutMilliseconds)
        writer.write(limit)
        writer.write(fetchVariables)
        writer.write(tenantIDs)
        writer.write(withLease)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            type: try reader.string(),
            worker: try reader.string(),
            timeoutMilliseconds: try reader.int64(),
            limit: try reader.int32(),
            fetchVariables: try reader.strings(),
            tenantIDs: try reader.strings(),
            withLease: try reader.bool()
        )
    }
}

extension Command.FailJob: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(retries)
        writer.write(errorMessage)
        writer.write(retryBackOffMilliseconds)
        writer.write(variables)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            retries: try reader.int32(),
            errorMessage: try reader.string(),
            retryBackOffMilliseconds: try reader.int64(),
            variables: try reader.variables()
        )
    }
}

extension Command.ThrowJobError: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(errorCode)
        writer.write(errorMessage)
        writer.write(variables)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            errorCode: try reader.string(),
            errorMessage: try reader.string(),
            variables: try reader.variables()
        )
    }
}

extension Command.JobChange: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(retries)
        writer.write(timeoutMilliseconds)
        writer.write(priority)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            retries: try reader.optional { try $0.int32() },
            timeoutMilliseconds: try reader.optional { try $0.int64() },
            priority: try reader.optional { try $0.int32() }
        )
    }
}

extension Command.PublishMessage: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(name)
        writer.write(correlationKey)
        writer.write(timeToLiveMilliseconds)
        writer.write(messageID)
        writer.write(variables)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            name: try reader.string(),
            correlationKey: try reader.string(),
            timeToLiveMilliseconds: try reader.int64(),
            messageID: try reader.optionalString(),
            variables: try reader.variables(),
            tenantID: try reader.string()
        )
    }
}

extension Command.CorrelateMessage: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(name)
        writer.write(correlationKey)
        writer.write(variables)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            name: try reader.string(),
            correlationKey: try reader.string(),
            variables: try reader.variables(),
            tenantID: try reader.string()
        )
    }
}

extension Command.UserTaskChange: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(dueDate)
        writer.write(followUpDate)
        writer.write(candidateUsers) { $0.write($1) }
        writer.write(candidateGroups) { $0.write($1) }
        writer.write(priority)
    }

    package init(from reader: inout ByteReader) throws {
        self.init()
        dueDate = try reader.optionalString()
        followUpDate = try reader.optionalString()
        candidateUsers = try reader.optional { try $0.strings() }
        candidateGroups = try reader.optional { try $0.strings() }
        priority = try reader.optional { try $0.int32() }
    }
}

/// How commands travel between nodes, and what their hash is made of.
extension Command: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .deploy, .createInstance, .cancelInstance, .activateJobs, .completeJob, .failJob, .throwJobError,
            .updateJob:
            writeWork(to: &writer)
        case .publishMessage, .correlateMessage, .resolveIncident, .setVariables, .assignUserTask, .unassignUserTask,
            .updateUserTask, .completeUserTask:
            writeOther(to: &writer)
        }
    }

    private func writeWork(to writer: inout ByteWriter) {
        switch self {
        case .deploy(let resources, let tenantID):
            writer.write(UInt8(0))
            writer.write(UInt64(resources.count))
            for item in resources { item.write(to: &writer) }
            writer.write(tenantID)
        case .createInstance(let command):
            writer.write(UInt8(1))
            command.write(to: &writer)
        case .cancelInstance(let key):
            writer.write(UInt8(2))
            writer.write(key)
        case .activateJobs(let command):
            writer.write(UInt8(3))
            command.write(to: &writer)
        case .completeJob(let key, let variables, let lease):
            writer.write(UInt8(4))
            writer.write(key)
            writer.write(variables)
            writer.write(lease)
        case .failJob(let key, let failure, let lease):
            writer.write(UInt8(5))
            writer.write(key)
            failure.write(to: &writer)
            writer.write(lease)
        case .throwJobError(let key, let error, let lease):
            writer.write(UInt8(6))
            writer.write(key)
            error.write(to: &writer)
            writer.write(lease)
        case .updateJob(let key, let change, let lease):
            writer.write(UInt8(7))
            writer.write(key)
            change.write(to: &writer)
            writer.write(lease)
        default: preconditionFailure("not a command of this family")
        }
    }

    private func writeOther(to writer: inout ByteWriter) {
        switch self {
        case .publishMessage(let command):
            writer.write(UInt8(8))
            command.write(to: &writer)
        case .correlateMessage(let command):
            writer.write(UInt8(9))
            command.write(to: &writer)
        case .resolveIncident(let key):
            writer.write(UInt8(10))
            writer.write(key)
        case .setVariables(let scope, let variables, let isLocal):
            writer.write(UInt8(11))
            writer.write(scope)
            writer.write(variables)
            writer.write(isLocal)
        case .assignUserTask(let key, let assignee, let allowOverride, let action):
            writer.write(UInt8(12))
            writer.write(key)
            writer.write(assignee)
            writer.write(allowOverride)
            writer.write(action)
        case .unassignUserTask(let key):
            writer.write(UInt8(13))
            writer.write(key)
        case .updateUserTask(let key, let change, let action):
            writer.write(UInt8(14))
            writer.write(key)
            change.write(to: &writer)
            writer.write(action)
        case .completeUserTask(let key, let variables, let action):
            writer.write(UInt8(15))
            writer.write(key)
            writer.write(variables)
            writer.write(action)
        default: preconditionFailure("not a command of this family")
        }
    }

    package init(from reader: inout ByteReader) throws {
        let kind = try reader.byte()
        switch kind {
        case 0:
            self = .deploy(
                resources: try reader.list { try DeploymentResource(from: &$0) },
                tenantID: try reader.string()
            )
        case 1: self = .createInstance(try CreateInstance(from: &reader))
        case 2: self = .cancelInstance(try reader.key())
        case 3: self = .activateJobs(try ActivateJobs(from: &reader))
        case 4:
            self = .completeJob(
                try reader.key(),
                variables: try reader.variables(),
                lease: try reader.optionalString()
            )
        case 5: self = .failJob(try reader.key(), try FailJob(from: &reader), lease: try reader.optionalString())
        case 6:
            self = .throwJobError(
                try reader.key(),
                try ThrowJobError(from: &reader),
                lease: try reader.optionalString()
            )
        case 7: self = .updateJob(try reader.key(), try JobChange(from: &reader), lease: try reader.optionalString())
        case 8: self = .publishMessage(try PublishMessage(from: &reader))
        case 9: self = .correlateMessage(try CorrelateMessage(from: &reader))
        case 10: self = .resolveIncident(try reader.key())
        case 11:
            self = .setVariables(
                scope: try reader.key(),
                variables: try reader.variables(),
                isLocal: try reader.bool()
            )
        case 12:
            self = .assignUserTask(
                try reader.key(),
                assignee: try reader.string(),
                allowOverride: try reader.bool(),
                action: try reader.optionalString()
            )
        case 13: self = .unassignUserTask(try reader.key())
        case 14:
            self = .updateUserTask(
                try reader.key(),
                try UserTaskChange(from: &reader),
                action: try reader.optionalString()
            )
        case 15:
            self = .completeUserTask(
                try reader.key(),
                variables: try reader.variables(),
                action: try reader.optionalString()
            )
        default: throw DecodingFailure("Expected a command of kind 0 to 15, but got \(kind)")
        }
    }
}
