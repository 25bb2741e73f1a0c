/// A set of variables as one JSON object, already checked: the raw bytes of each value by name, in document order.
package struct VariableDocument: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var name: String
        /// One JSON value, UTF-8, without surrounding white space.
        package var value: [UInt8]

        package init(name: String, value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries }

    package var isEmpty: Bool { entries.isEmpty }
}

/// One file of a deployment.
package struct DeploymentResource: Hashable, Sendable {
    package var name: String
    package var content: [UInt8]

    package init(name: String, content: [UInt8]) {
        self.name = name
        self.content = content
    }
}

/// Which definition to start.
package enum DefinitionReference: Hashable, Sendable {
    case key(Key)
    /// Version nil is the latest.
    case processID(String, version: Int32?)
}

/// How a caller wants to wait for the end of the instance it creates.
package struct AwaitedResult: Hashable, Sendable {
    /// Names to answer; empty answers all variables of the process scope.
    package var fetchVariables: [String]

    package init(fetchVariables: [String]) { self.fetchVariables = fetchVariables }
}

/// What a client may ask the engine to do. Syntax is checked before; everything that needs state is checked by the
/// engine.
package enum Command: Hashable, Sendable {
    case deploy(resources: [DeploymentResource], tenantID: String)
    case createInstance(CreateInstance)
    case cancelInstance(Key)
    case activateJobs(ActivateJobs)
    case completeJob(Key, variables: VariableDocument, lease: String?)
    case failJob(Key, FailJob, lease: String?)
    case throwJobError(Key, ThrowJobError, lease: String?)
    case updateJob(Key, JobChange, lease: String?)
    case publishMessage(PublishMessage)
    /// Correlates at once or answers NOT_FOUND; never buffered.
    case correlateMessage(CorrelateMessage)
    case resolveIncident(Key)
    case setVariables(scope: Key, variables: VariableDocument, isLocal: Bool)
    case assignUserTask(Key, assignee: String, allowOverride: Bool, action: String?)
    case unassignUserTask(Key)
    case updateUserTask(Key, UserTaskChange, action: String?)
    case completeUserTask(Key, variables: VariableDocument, action: String?)

    package struct CreateInstance: Hashable, Sendable {
        package var definition: DefinitionReference
        package var variables: VariableDocument
        package var tenantID: String
        /// Element ids to start at instead of the none start event.
        package var startElementIDs: [String]
        package var tags: [String]
        package var businessID: String?
        /// When set, the answer comes when the instance has completed.
        package var awaitedResult: AwaitedResult?

        package init(
            definition: DefinitionReference,
            variables: VariableDocument = VariableDocument(),
            tenantID: String = defaultTenantID,
            startElementIDs: [String] = [],
            tags: [String] = [],
            businessID: String? = nil,
            awaitedResult: AwaitedResult? = nil
        ) {
            self.definition = definition
            self.variables = variables
            self.tenantID = tenantID
            self.startElementIDs = startElementIDs
            self.tags = tags
            self.businessID = businessID
            self.awaitedResult = awaitedResult
        }
    }

    package struct ActivateJobs: Hashable, Sendable {
        package var type: String
        package var worker: String
        /// Milliseconds a worker may take; at least 1.
        package var timeoutMilliseconds: Int64
        /// At least 1.
        package var limit: Int32
        /// Names to hand out; empty hands out all visible variables.
        package var fetchVariables: [String]
        package var tenantIDs: [String]
        package var withLease: Bool

        package init(
            type: String,
            worker: String,
            timeoutMilliseconds: Int64,
            limit: Int32,
            fetchVariables: [String] = [],
            tenantIDs: [String] = [defaultTenantID],
            withLease: Bool = false
        ) {
            self.type = type
            self.worker = worker
            self.timeoutMilliseconds = timeoutMilliseconds
            self.limit = limit
            self.fetchVariables = fetchVariables
            self.tenantIDs = tenantIDs
            self.withLease = withLease
        }
    }

    package struct FailJob: Hashable, Sendable {
        /// What is left, as the worker says.
        package var retries: Int32
        package var errorMessage: String
        package var retryBackOffMilliseconds: Int64
        package var variables: VariableDocument

        package init(
            retries: Int32,
            errorMessage: String = "",
            retryBackOffMilliseconds: Int64 = 0,
            variables: VariableDocument = VariableDocument()
        ) {
            self.retries = retries
            self.errorMessage = errorMessage
            self.retryBackOffMilliseconds = retryBackOffMilliseconds
            self.variables = variables
        }
    }

    package struct ThrowJobError: Hashable, Sendable {
        package var errorCode: String
        package var errorMessage: String
        package var variables: VariableDocument

        package init(errorCode: String, errorMessage: String = "", variables: VariableDocument = VariableDocument()) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.variables = variables
        }
    }

    /// Nil leaves as it is.
    package struct JobChange: Hashable, Sendable {
        package var retries: Int32?
        package var timeoutMilliseconds: Int64?
        package var priority: Int32?

        package init(retries: Int32? = nil, timeoutMilliseconds: Int64? = nil, priority: Int32? = nil) {
            self.retries = retries
            self.timeoutMilliseconds = timeoutMilliseconds
            self.priority = priority
        }
    }

    package struct PublishMessage: Hashable, Sendable {
        package var name: String
        package var correlationKey: String
        package var timeToLiveMilliseconds: Int64
        package var messageID: String?
        package var variables: VariableDocument
        package var tenantID: String

        package init(
            name: String,
            correlationKey: String = "",
            timeToLiveMilliseconds: Int64 = 0,
            messageID: String? = nil,
            variables: VariableDocument = VariableDocument(),
            tenantID: String = defaultTenantID
        ) {
            self.name = name
            self.correlationKey = correlationKey
            self.timeToLiveMilliseconds = timeToLiveMilliseconds
            self.messageID = messageID
            self.variables = variables
            self.tenantID = tenantID
        }
    }

    package struct CorrelateMessage: Hashable, Sendable {
        package var name: String
        package var correlationKey: String
        package var variables: VariableDocument
        package var tenantID: String

        package init(
            name: String,
            correlationKey: String = "",
            variables: VariableDocument = VariableDocument(),
            tenantID: String = defaultTenantID
        ) {
            self.name = name
            self.correlationKey = correlationKey
            self.variables = variables
            self.tenantID = tenantID
        }
    }

    /// Nil leaves as it is; an empty text or list clears.
    package struct UserTaskChange: Hashable, Sendable {
        /// ISO-8601 date-time, or empty.
        package var dueDate: String?
        package var followUpDate: String?
        package var candidateUsers: [String]?
        package var candidateGroups: [String]?
        /// 0 to 100.
        package var priority: Int32?

        package init() {}
    }
}
