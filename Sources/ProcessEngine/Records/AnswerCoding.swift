extension Rejection: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(code.rawValue)
        writer.write(reason)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(try reader.enumeration(Code.self), try reader.string())
    }
}

extension Answer: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .done: writer.write(UInt8(0))
        case .deployed(let deployment):
            writer.write(UInt8(1))
            deployment.write(to: &writer)
        case .instanceCreated(let created):
            writer.write(UInt8(2))
            created.write(to: &writer)
        case .jobsActivated(let jobs):
            writer.write(UInt8(3))
            writer.write(UInt64(jobs.count))
            for job in jobs { job.write(to: &writer) }
        case .messagePublished(let key, let tenantID):
            writer.write(UInt8(4))
            writer.write(key)
            writer.write(tenantID)
        case .messageCorrelated(let key, let tenantID, let instance):
            writer.write(UInt8(5))
            writer.write(key)
            writer.write(tenantID)
            writer.write(instance)
        case .rejected(let rejection):
            writer.write(UInt8(6))
            rejection.write(to: &writer)
        }
    }

    package init(from reader: inout ByteReader) throws {
        switch try reader.byte() {
        case 0: self = .done
        case 1: self = .deployed(try Deployment(from: &reader))
        case 2: self = .instanceCreated(try InstanceCreated(from: &reader))
        case 3:
            let number = try reader.count()
            self = .jobsActivated(try (0..<number).map { _ in try ActivatedJob(from: &reader) })
        case 4: self = .messagePublished(key: try reader.key(), tenantID: try reader.string())
        case 5:
            self = .messageCorrelated(
                key: try reader.key(),
                tenantID: try reader.string(),
                processInstanceKey: try reader.key()
            )
        case 6: self = .rejected(try Rejection(from: &reader))
        case let other: throw DecodingFailure("Expected an answer of kind 0 to 6, but got \(other)")
        }
    }
}

extension Answer.Deployment: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(tenantID)
        writer.write(UInt64(processes.count))
        for process in processes {
            writer.write(process.definitionKey)
            writer.write(process.processID)
            writer.write(process.version)
            writer.write(process.resourceName)
            writer.write(process.tenantID)
        }
    }

    package init(from reader: inout ByteReader) throws {
        let key = try reader.key()
        let tenantID = try reader.string()
        let number = try reader.count()
        let processes = try (0..<number).map { _ in
            Answer.DeployedProcess(
                definitionKey: try reader.key(),
                processID: try reader.string(),
                version: try reader.int32(),
                resourceName: try reader.string(),
                tenantID: try reader.string()
            )
        }
        self.init(key: key, tenantID: tenantID, processes: processes)
    }
}

extension Answer.InstanceCreated: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(processInstanceKey)
        writer.write(definitionKey)
        writer.write(processID)
        writer.write(version)
        writer.write(tenantID)
        writer.write(tags)
        writer.write(businessID)
        writer.write(variables) { $0.write($1) }
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            processInstanceKey: try reader.key(),
            definitionKey: try reader.key(),
            processID: try reader.string(),
            version: try reader.int32(),
            tenantID: try reader.string(),
            tags: try reader.strings(),
            businessID: try reader.optionalString(),
            variables: try reader.optional { try $0.variables() }
        )
    }
}

extension Answer.ActivatedJob: BinaryCodable {
    package func write(to writer: inout ByteWriter) {
        writer.write(key)
        writer.write(type)
        writer.write(processInstanceKey)
        writer.write(rootProcessInstanceKey)
        writer.write(definitionKey)
        writer.write(processID)
        writer.write(version)
        writer.write(elementID)
        writer.write(elementInstanceKey)
        writer.write(customHeaders)
        writer.write(worker)
        writer.write(retries)
        writer.write(deadline)
        writer.write(variables)
        writer.write(tenantID)
        writer.write(tags)
        writer.write(priority)
        writer.write(businessID)
        writer.write(lease)
    }

    package init(from reader: inout ByteReader) throws {
        self.init(
            key: try reader.key(),
            type: try reader.string(),
            processInstanceKey: try reader.key(),
            rootProcessInstanceKey: try reader.key(),
            definitionKey: try reader.key(),
            processID: try reader.string(),
            version: try reader.int32(),
            elementID: try reader.string(),
            elementInstanceKey: try reader.key(),
            customHeaders: try reader.byteArray(),
            worker: try reader.string(),
            retries: try reader.int32(),
            deadline: try reader.int64(),
            variables: try reader.variables(),
            tenantID: try reader.string(),
            tags: try reader.strings(),
            priority: try reader.int32(),
            businessID: try reader.optionalString(),
            lease: try reader.optionalString()
        )
    }
}
