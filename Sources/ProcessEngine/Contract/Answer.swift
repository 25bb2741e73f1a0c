/// What a client is told about a command that was carried out and committed.
package enum Answer: Hashable, Sendable {
    /// Nothing to say but that it is done.
    case done
    case deployed(Deployment)
    case instanceCreated(InstanceCreated)
    case jobsActivated([ActivatedJob])
    case messagePublished(key: Key, tenantID: String)
    case messageCorrelated(key: Key, tenantID: String, processInstanceKey: Key)
    /// Kept as an answer so that a repeated request gets the same refusal.
    case rejected(Rejection)

    package struct Deployment: Hashable, Sendable {
        package var key: Key
        package var tenantID: String
        /// In the order of the resources and of the processes inside each.
        package var processes: [DeployedProcess]

        package init(key: Key, tenantID: String, processes: [DeployedProcess]) {
            self.key = key
            self.tenantID = tenantID
            self.processes = processes
        }
    }

    package struct DeployedProcess: Hashable, Sendable {
        package var definitionKey: Key
        package var processID: String
        package var version: Int32
        package var resourceName: String
        package var tenantID: String

        package init(
            definitionKey: Key,
            processID: String,
            version: Int32,
            resourceName: String,
            tenantID: String
        ) {
            self.definitionKey = definitionKey
            self.processID = processID
            self.version = version
            self.resourceName = resourceName
            self.tenantID = tenantID
        }
    }

    package struct InstanceCreated: Hashable, Sendable {
        package var processInstanceKey: Key
        package var definitionKey: Key
        package var processID: String
        package var version: Int32
        package var tenantID: String
        package var tags: [String]
        package var businessID: String?
        /// Only of an awaited result.
        package var variables: VariableDocument?

        package init(
            processInstanceKey: Key,
            definitionKey: Key,
            processID: String,
            version: Int32,
            tenantID: String,
            tags: [String],
            businessID: String?,
            variables: VariableDocument? = nil
        ) {
            self.processInstanceKey = processInstanceKey
            self.definitionKey = definitionKey
            self.processID = processID
            self.version = version
            self.tenantID = tenantID
            self.tags = tags
            self.businessID = businessID
            self.variables = variables
        }
    }

    /// A job as it is handed to a worker. Times are milliseconds since 1970.
    package struct ActivatedJob: Hashable, Sendable {
        package var key: Key
        package var type: String
        package var processInstanceKey: Key
        package var rootProcessInstanceKey: Key
        package var definitionKey: Key
        package var processID: String
        package var version: Int32
        package var elementID: String
        package var elementInstanceKey: Key
        /// A JSON object of strings.
        package var customHeaders: [UInt8]
        package var worker: String
        package var retries: Int32
        package var deadline: Int64
        package var variables: VariableDocument
        package var tenantID: String
        package var tags: [String]
        package var priority: Int32
        package var businessID: String?
        package var lease: String?

        package init(
            key: Key,
            type: String,
            processInstanceKey: Key,
            rootProcessInstanceKey: Key,
            definitionKey: Key,
            processID: String,
            version: Int32,
            elementID: String,
            elementInstanceKey: Key,
            customHeaders: [UInt8],
            worker: String,
            retries: Int32,
            deadline: Int64,
            variables: VariableDocument,
            tenantID: String,
            tags: [String],
            priority: Int32,
            businessID: String?,
            lease: String?
        ) {
            self.key = key
            self.type = type
            self.processInstanceKey = processInstanceKey
            self.rootProcessInstanceKey = rootProcessInstanceKey
            self.definitionKey = definitionKey
            self.processID = processID
            self.version = version
            self.elementID = elementID
            self.elementInstanceKey = elementInstanceKey
            self.customHeaders = customHeaders
            self.worker = worker
            self.retries = retries
            self.deadline = deadline
            self.variables = variables
            self.tenantID = tenantID
            self.tags = tags
            self.priority = priority
            self.businessID = businessID
            self.lease = lease
        }
    }
}
