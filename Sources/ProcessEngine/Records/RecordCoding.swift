// One reader and one writer per record; the order of the fields is the stored form.

extension DefinitionRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(processID)
        writer.write(version)
        writer.write(tenantID)
        writer.write(name)
        writer.write(versionTag)
        writer.write(deploymentKey)
        writer.write(resourceName)
        writer.write(resourceHash)
        writer.write(resourceKey)
        writer.write(deployedAt)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            processID: try reader.string(),
            version: try reader.int32(),
            tenantID: try reader.string(),
            name: try reader.optionalString(),
            versionTag: try reader.optionalString(),
            deploymentKey: try reader.key(),
            resourceName: try reader.string(),
            resourceHash: try reader.int64(),
            resourceKey: try reader.key(),
            deployedAt: try reader.int64()
        )
    }
}

extension ResourceRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(name)
        writer.write(content)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            name: try reader.string(),
            content: try reader.byteArray()
        )
    }
}

extension StartSubscriptionRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(messageName)
        writer.write(definitionKey)
        writer.write(processID)
        writer.write(elementID)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            messageName: try reader.string(),
            definitionKey: try reader.key(),
            processID: try reader.string(),
            elementID: try reader.string(),
            tenantID: try reader.string()
        )
    }
}

extension ProcessInstanceRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(definitionKey)
        writer.write(parentInstanceKey)
        writer.write(parentElementInstanceKey)
        writer.write(rootInstanceKey)
        writer.write(state.rawValue)
        writer.write(startedAt)
        writer.write(endedAt)
        writer.write(tenantID)
        writer.write(tags)
        writer.write(businessID)
        writer.write(startCorrelationKey)
        writer.write(depth)
        writer.write(awaitingRequest) { $1.write(to: &$0) }
        writer.write(awaitedVariables)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            definitionKey: try reader.key(),
            parentInstanceKey: try reader.optionalKey(),
            parentElementInstanceKey: try reader.optionalKey(),
            rootInstanceKey: try reader.key(),
            state: try reader.enumeration(InstanceState.self),
            startedAt: try reader.int64(),
            endedAt: try reader.optional { try $0.int64() },
            tenantID: try reader.string(),
            tags: try reader.strings(),
            businessID: try reader.optionalString(),
            startCorrelationKey: try reader.optionalString(),
            depth: try reader.int32(),
            awaitingRequest: try reader.optional { try RequestID(from: &$0) },
            awaitedVariables: try reader.strings()
        )
    }
}

extension ElementInstanceRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(processInstanceKey)
        writer.write(elementID)
        writer.write(name)
        writer.write(kind)
        writer.write(scopeKey)
        writer.write(state.rawValue)
        writer.write(startedAt)
        writer.write(endedAt)
        writer.write(activeChildren)
        writer.write(waitsFor)
        writer.write(incidentKey)
        writer.write(interruptedBy)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            processInstanceKey: try reader.key(),
            elementID: try reader.string(),
            name: try reader.optionalString(),
            kind: try reader.string(),
            scopeKey: try reader.optionalKey(),
            state: try reader.enumeration(ElementState.self),
            startedAt: try reader.int64(),
            endedAt: try reader.optional { try $0.int64() },
            activeChildren: try reader.int32(),
            waitsFor: try reader.optionalKey(),
            incidentKey: try reader.optionalKey(),
            interruptedBy: try reader.optionalKey()
        )
    }
}

extension VariableRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(scopeKey)
        writer.write(processInstanceKey)
        writer.write(name)
        writer.write(value)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            scopeKey: try reader.key(),
            processInstanceKey: try reader.key(),
            name: try reader.string(),
            value: try reader.byteArray()
        )
    }
}

extension JobRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(type)
        writer.write(processInstanceKey)
        writer.write(elementInstanceKey)
        writer.write(elementID)
        writer.write(state.rawValue)
        writer.write(mark.rawValue)
        writer.write(retries)
        writer.write(priority)
        writer.write(worker)
        writer.write(deadline)
        writer.write(activations)
        writer.write(errorCode)
        writer.write(errorMessage)
        writer.write(headers)
        writer.write(tenantID)
        writer.write(createdAt)
        writer.write(updatedAt)
        writer.write(endedAt)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            type: try reader.string(),
            processInstanceKey: try reader.key(),
            elementInstanceKey: try reader.key(),
            elementID: try reader.string(),
            state: try reader.enumeration(JobState.self),
            mark: try reader.enumeration(JobMark.self),
            retries: try reader.int32(),
            priority: try reader.int32(),
            worker: try reader.string(),
            deadline: try reader.optional { try $0.int64() },
            activations: try reader.int32(),
            errorCode: try reader.optionalString(),
            errorMessage: try reader.optionalString(),
            headers: try reader.byteArray(),
            tenantID: try reader.string(),
            createdAt: try reader.int64(),
            updatedAt: try reader.int64(),
            endedAt: try reader.optional { try $0.int64() }
        )
    }
}

extension TimerRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(dueAt)
        writer.write(processInstanceKey)
        writer.write(elementInstanceKey)
        writer.write(definitionKey)
        writer.write(elementID)
        writer.write(repetitions)
        writer.write(cycle)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            dueAt: try reader.int64(),
            processInstanceKey: try reader.optionalKey(),
            elementInstanceKey: try reader.optionalKey(),
            definitionKey: try reader.key(),
            elementID: try reader.string(),
            repetitions: try reader.int64(),
            cycle: try reader.optionalString(),
            tenantID: try reader.string()
        )
    }
}

extension SubscriptionRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(messageName)
        writer.write(correlationKey)
        writer.write(processInstanceKey)
        writer.write(elementInstanceKey)
        writer.write(elementID)
        writer.write(processID)
        writer.write(isInterrupting)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            messageName: try reader.string(),
            correlationKey: try reader.string(),
            processInstanceKey: try reader.key(),
            elementInstanceKey: try reader.key(),
            elementID: try reader.string(),
            processID: try reader.string(),
            isInterrupting: try reader.bool(),
            tenantID: try reader.string()
        )
    }
}

extension MessageRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(name)
        writer.write(correlationKey)
        writer.write(messageID)
        writer.write(variables)
        writer.write(expiresAt)
        writer.write(tenantID)
        writer.write(correlatedProcessIDs)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            name: try reader.string(),
            correlationKey: try reader.string(),
            messageID: try reader.optionalString(),
            variables: try reader.variables(),
            expiresAt: try reader.int64(),
            tenantID: try reader.string(),
            correlatedProcessIDs: try reader.strings()
        )
    }
}

extension IncidentRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        type.write(to: &writer)
        writer.write(message)
        writer.write(isResolved)
        writer.write(createdAt)
        writer.write(elementID)
        writer.write(elementInstanceKey)
        writer.write(processInstanceKey)
        writer.write(jobKey)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            type: try IncidentType(from: &reader),
            message: try reader.string(),
            isResolved: try reader.bool(),
            createdAt: try reader.int64(),
            elementID: try reader.string(),
            elementInstanceKey: try reader.key(),
            processInstanceKey: try reader.key(),
            jobKey: try reader.optionalKey(),
            tenantID: try reader.string()
        )
    }
}

extension UserTaskRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(processInstanceKey)
        writer.write(elementInstanceKey)
        writer.write(elementID)
        writer.write(name)
        writer.write(state.rawValue)
        writer.write(assignee)
        writer.write(candidateUsers)
        writer.write(candidateGroups)
        writer.write(dueDate)
        writer.write(followUpDate)
        writer.write(priority)
        writer.write(externalFormReference)
        writer.write(headers)
        writer.write(createdAt)
        writer.write(completedAt)
        writer.write(tenantID)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            processInstanceKey: try reader.key(),
            elementInstanceKey: try reader.key(),
            elementID: try reader.string(),
            name: try reader.optionalString(),
            state: try reader.enumeration(UserTaskState.self),
            assignee: try reader.optionalString(),
            candidateUsers: try reader.strings(),
            candidateGroups: try reader.strings(),
            dueDate: try reader.optional { try $0.int64() },
            followUpDate: try reader.optional { try $0.int64() },
            priority: try reader.int32(),
            externalFormReference: try reader.optionalString(),
            headers: try reader.byteArray(),
            createdAt: try reader.int64(),
            completedAt: try reader.optional { try $0.int64() },
            tenantID: try reader.string()
        )
    }
}

extension ContinuationRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(processInstanceKey)
        writer.write(UInt64(steps.count))
        for item in steps { item.write(to: &writer) }
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            processInstanceKey: try reader.key(),
            steps: try reader.list { try Step(from: &$0) }
        )
    }
}

extension AnsweredRequest: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        id.write(to: &writer)
        writer.write(commandHash)
        answer.write(to: &writer)
        writer.write(answeredAt)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            id: try RequestID(from: &reader),
            commandHash: try reader.int64(),
            answer: try Answer(from: &reader),
            answeredAt: try reader.int64()
        )
    }
}

extension OutboxRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(UInt64(targetGroup))
        writer.write(sequence)
        content.write(to: &writer)
        writer.write(awaitingRequest) { $1.write(to: &$0) }
        answer.write(to: &writer)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            targetGroup: try reader.group(),
            sequence: try reader.int64(),
            content: try Transfer(from: &reader),
            awaitingRequest: try reader.optional { try RequestID(from: &$0) },
            answer: try Answer(from: &reader)
        )
    }
}

extension TakenFlowRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(scopeKey)
        writer.write(processInstanceKey)
        writer.write(gateway)
        writer.write(flow)
        writer.write(count)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            scopeKey: try reader.key(),
            processInstanceKey: try reader.key(),
            gateway: try reader.int32(),
            flow: try reader.int32(),
            count: try reader.int32()
        )
    }
}

extension QuarantineRecord: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(subject)
        writer.write(incidentKey)
        writer.write(at)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            subject: try reader.string(),
            incidentKey: try reader.optionalKey(),
            at: try reader.int64()
        )
    }
}
