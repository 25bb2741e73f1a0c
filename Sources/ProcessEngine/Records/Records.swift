/// A deployed process definition.
package struct DefinitionRecord: Hashable, Sendable {
    package var key: Key
    package var processID: String
    package var version: Int32
    package var tenantID: String
    package var name: String?
    package var versionTag: String?
    package var deploymentKey: Key
    package var resourceName: String
    /// Hash of the resource; the same bytes under the same name make no new version.
    package var resourceHash: Int64
    /// The key under which the resource's bytes are kept.
    package var resourceKey: Key
    /// Milliseconds since 1970.
    package var deployedAt: Int64

    package init(
        key: Key,
        processID: String,
        version: Int32,
        tenantID: String,
        name: String? = nil,
        versionTag: String? = nil,
        deploymentKey: Key,
        resourceName: String,
        resourceHash: Int64,
        resourceKey: Key,
        deployedAt: Int64
    ) {
        self.key = key
        self.processID = processID
        self.version = version
        self.tenantID = tenantID
        self.name = name
        self.versionTag = versionTag
        self.deploymentKey = deploymentKey
        self.resourceName = resourceName
        self.resourceHash = resourceHash
        self.resourceKey = resourceKey
        self.deployedAt = deployedAt
    }
}

/// The life of a process instance.
package enum InstanceState: UInt8, Hashable, Sendable {
    case active = 0
    case completed = 1
    case terminated = 2
}

/// One run of a process definition.
package struct ProcessInstanceRecord: Hashable, Sendable {
    package var key: Key
    package var definitionKey: Key
    package var parentInstanceKey: Key?
    /// The call activity's element instance in the parent.
    package var parentElementInstanceKey: Key?
    package var rootInstanceKey: Key
    package var state: InstanceState
    package var startedAt: Int64
    package var endedAt: Int64?
    package var tenantID: String
    package var tags: [String]
    package var businessID: String?
    /// Set when a message start event with a correlation key started it: only one such instance runs at a time.
    package var startCorrelationKey: String?
    /// Number of call activities above it.
    package var depth: Int32
    /// The request that waits for the end, and the variables it wants.
    package var awaitingRequest: RequestID?
    package var awaitedVariables: [String]

    package init(
        key: Key,
        definitionKey: Key,
        parentInstanceKey: Key? = nil,
        parentElementInstanceKey: Key? = nil,
        rootInstanceKey: Key,
        state: InstanceState,
        startedAt: Int64,
        endedAt: Int64? = nil,
        tenantID: String,
        tags: [String],
        businessID: String? = nil,
        startCorrelationKey: String? = nil,
        depth: Int32,
        awaitingRequest: RequestID? = nil,
        awaitedVariables: [String]
    ) {
        self.key = key
        self.definitionKey = definitionKey
        self.parentInstanceKey = parentInstanceKey
        self.parentElementInstanceKey = parentElementInstanceKey
        self.rootInstanceKey = rootInstanceKey
        self.state = state
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.tenantID = tenantID
        self.tags = tags
        self.businessID = businessID
        self.startCorrelationKey = startCorrelationKey
        self.depth = depth
        self.awaitingRequest = awaitingRequest
        self.awaitedVariables = awaitedVariables
    }
}

/// The life of an element instance (camunda8.md, section 2.1).
package enum ElementState: UInt8, Hashable, Sendable {
    case activating = 0
    case activated = 1
    case completing = 2
    case terminating = 3
    case completed = 4
    case terminated = 5

    package var isFinal: Bool { rawValue >= ElementState.completed.rawValue }
}

/// One activation of an element. The process itself has one too, under the key of the instance.
package struct ElementInstanceRecord: Hashable, Sendable {
    package var key: Key
    package var processInstanceKey: Key
    package var elementID: String
    /// The element's name in the model.
    package var name: String?
    package var kind: String
    /// The element instance that contains it; nil for the process.
    package var scopeKey: Key?
    package var state: ElementState
    package var startedAt: Int64
    package var endedAt: Int64?
    /// Element instances directly inside that have not ended, plus flows on their way.
    package var activeChildren: Int32
    /// The job, user task or called instance it waits for.
    package var waitsFor: Key?
    package var incidentKey: Key?
    /// The boundary event's instance that goes on once this one has terminated.
    package var interruptedBy: Key?

    package init(
        key: Key,
        processInstanceKey: Key,
        elementID: String,
        name: String? = nil,
        kind: String,
        scopeKey: Key? = nil,
        state: ElementState,
        startedAt: Int64,
        endedAt: Int64? = nil,
        activeChildren: Int32,
        waitsFor: Key? = nil,
        incidentKey: Key? = nil,
        interruptedBy: Key? = nil
    ) {
        self.key = key
        self.processInstanceKey = processInstanceKey
        self.elementID = elementID
        self.name = name
        self.kind = kind
        self.scopeKey = scopeKey
        self.state = state
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.activeChildren = activeChildren
        self.waitsFor = waitsFor
        self.incidentKey = incidentKey
        self.interruptedBy = interruptedBy
    }
}

package struct VariableRecord: Hashable, Sendable {
    package var key: Key
    package var scopeKey: Key
    package var processInstanceKey: Key
    package var name: String
    /// One JSON value.
    package var value: [UInt8]

    package init(
        key: Key,
        scopeKey: Key,
        processInstanceKey: Key,
        name: String,
        value: [UInt8]
    ) {
        self.key = key
        self.scopeKey = scopeKey
        self.processInstanceKey = processInstanceKey
        self.name = name
        self.value = value
    }
}

/// Where a job stands.
package enum JobState: UInt8, Hashable, Sendable {
    /// May be activated.
    case activatable = 0
    /// With a worker until its deadline.
    case activated = 1
    /// Failed with retries left; activatable when its back-off is over.
    case backingOff = 2
    /// Failed without retries, waits for an operator.
    case failed = 3
    /// A BPMN error that nothing caught, waits for an operator.
    case errorThrown = 4
    case completed = 5
    case canceled = 6
}

/// What last happened to a job, as searches show it.
package enum JobMark: UInt8, Hashable, Sendable {
    case created = 0
    case completed = 1
    case failed = 2
    case timedOut = 3
    case canceled = 4
    case errorThrown = 5
    case retriesUpdated = 6
    case timeoutUpdated = 7
    case priorityUpdated = 8
}

package struct JobRecord: Hashable, Sendable {
    package var key: Key
    package var type: String
    package var processInstanceKey: Key
    package var elementInstanceKey: Key
    package var elementID: String
    package var state: JobState
    package var mark: JobMark
    package var retries: Int32
    package var priority: Int32
    package var worker: String
    /// End of the activation (`activated`) or of the back-off (`backingOff`).
    package var deadline: Int64?
    /// Number of activations so far; the fencing token.
    package var activations: Int32
    package var errorCode: String?
    package var errorMessage: String?
    /// JSON object of strings.
    package var headers: [UInt8]
    package var tenantID: String
    package var createdAt: Int64
    package var updatedAt: Int64
    package var endedAt: Int64?

    package init(
        key: Key,
        type: String,
        processInstanceKey: Key,
        elementInstanceKey: Key,
        elementID: String,
        state: JobState,
        mark: JobMark,
        retries: Int32,
        priority: Int32,
        worker: String,
        deadline: Int64? = nil,
        activations: Int32,
        errorCode: String? = nil,
        errorMessage: String? = nil,
        headers: [UInt8],
        tenantID: String,
        createdAt: Int64,
        updatedAt: Int64,
        endedAt: Int64? = nil
    ) {
        self.key = key
        self.type = type
        self.processInstanceKey = processInstanceKey
        self.elementInstanceKey = elementInstanceKey
        self.elementID = elementID
        self.state = state
        self.mark = mark
        self.retries = retries
        self.priority = priority
        self.worker = worker
        self.deadline = deadline
        self.activations = activations
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.headers = headers
        self.tenantID = tenantID
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.endedAt = endedAt
    }
}

package struct TimerRecord: Hashable, Sendable {
    package var key: Key
    package var dueAt: Int64
    /// Nil for a start event's timer.
    package var processInstanceKey: Key?
    /// The element instance that waits, or whose boundary event waits; nil for a start event's timer.
    package var elementInstanceKey: Key?
    package var definitionKey: Key
    /// The event to trigger.
    package var elementID: String
    /// Repetitions that are left after this one; -1 without end, 0 none.
    package var repetitions: Int64
    /// The cycle's text, to find the next due time.
    package var cycle: String?
    package var tenantID: String

    package init(
        key: Key,
        dueAt: Int64,
        processInstanceKey: Key? = nil,
        elementInstanceKey: Key? = nil,
        definitionKey: Key,
        elementID: String,
        repetitions: Int64,
        cycle: String? = nil,
        tenantID: String
    ) {
        self.key = key
        self.dueAt = dueAt
        self.processInstanceKey = processInstanceKey
        self.elementInstanceKey = elementInstanceKey
        self.definitionKey = definitionKey
        self.elementID = elementID
        self.repetitions = repetitions
        self.cycle = cycle
        self.tenantID = tenantID
    }
}

/// An element instance that waits for a message.
package struct SubscriptionRecord: Hashable, Sendable {
    package var key: Key
    package var messageName: String
    package var correlationKey: String
    package var processInstanceKey: Key
    package var elementInstanceKey: Key
    /// The event or receive task to trigger.
    package var elementID: String
    package var processID: String
    package var isInterrupting: Bool
    package var tenantID: String

    package init(
        key: Key,
        messageName: String,
        correlationKey: String,
        processInstanceKey: Key,
        elementInstanceKey: Key,
        elementID: String,
        processID: String,
        isInterrupting: Bool,
        tenantID: String
    ) {
        self.key = key
        self.messageName = messageName
        self.correlationKey = correlationKey
        self.processInstanceKey = processInstanceKey
        self.elementInstanceKey = elementInstanceKey
        self.elementID = elementID
        self.processID = processID
        self.isInterrupting = isInterrupting
        self.tenantID = tenantID
    }
}

/// A process that a message starts.
package struct StartSubscriptionRecord: Hashable, Sendable {
    package var key: Key
    package var messageName: String
    package var definitionKey: Key
    package var processID: String
    package var elementID: String
    package var tenantID: String

    package init(
        key: Key,
        messageName: String,
        definitionKey: Key,
        processID: String,
        elementID: String,
        tenantID: String
    ) {
        self.key = key
        self.messageName = messageName
        self.definitionKey = definitionKey
        self.processID = processID
        self.elementID = elementID
        self.tenantID = tenantID
    }
}

/// A message that waits for a subscription.
package struct MessageRecord: Hashable, Sendable {
    package var key: Key
    package var name: String
    package var correlationKey: String
    package var messageID: String?
    package var variables: VariableDocument
    package var expiresAt: Int64
    package var tenantID: String
    /// Process ids it was correlated to; once each.
    package var correlatedProcessIDs: [String]

    package init(
        key: Key,
        name: String,
        correlationKey: String,
        messageID: String? = nil,
        variables: VariableDocument,
        expiresAt: Int64,
        tenantID: String,
        correlatedProcessIDs: [String]
    ) {
        self.key = key
        self.name = name
        self.correlationKey = correlationKey
        self.messageID = messageID
        self.variables = variables
        self.expiresAt = expiresAt
        self.tenantID = tenantID
        self.correlatedProcessIDs = correlatedProcessIDs
    }
}

package enum IncidentType: String, Hashable, Sendable, CaseIterable {
    case ioMapping = "IO_MAPPING_ERROR"
    case extractValue = "EXTRACT_VALUE_ERROR"
    case condition = "CONDITION_ERROR"
    case calledElement = "CALLED_ELEMENT_ERROR"
    case jobNoRetries = "JOB_NO_RETRIES"
    case unhandledError = "UNHANDLED_ERROR_EVENT"
    case messageSizeExceeded = "MESSAGE_SIZE_EXCEEDED"
    /// Executing it failed by a fault of the engine.
    case unknown = "UNKNOWN"
}

package struct IncidentRecord: Hashable, Sendable {
    package var key: Key
    package var type: IncidentType
    package var message: String
    package var isResolved: Bool
    package var createdAt: Int64
    package var elementID: String
    package var elementInstanceKey: Key
    package var processInstanceKey: Key
    package var jobKey: Key?
    package var tenantID: String

    package init(
        key: Key,
        type: IncidentType,
        message: String,
        isResolved: Bool,
        createdAt: Int64,
        elementID: String,
        elementInstanceKey: Key,
        processInstanceKey: Key,
        jobKey: Key? = nil,
        tenantID: String
    ) {
        self.key = key
        self.type = type
        self.message = message
        self.isResolved = isResolved
        self.createdAt = createdAt
        self.elementID = elementID
        self.elementInstanceKey = elementInstanceKey
        self.processInstanceKey = processInstanceKey
        self.jobKey = jobKey
        self.tenantID = tenantID
    }
}

package enum UserTaskState: UInt8, Hashable, Sendable {
    case created = 0
    case completed = 1
    case canceled = 2
}

package struct UserTaskRecord: Hashable, Sendable {
    package var key: Key
    package var processInstanceKey: Key
    package var elementInstanceKey: Key
    package var elementID: String
    package var name: String?
    package var state: UserTaskState
    package var assignee: String?
    package var candidateUsers: [String]
    package var candidateGroups: [String]
    /// Milliseconds since 1970.
    package var dueDate: Int64?
    package var followUpDate: Int64?
    package var priority: Int32
    package var externalFormReference: String?
    /// JSON object of strings.
    package var headers: [UInt8]
    package var createdAt: Int64
    package var completedAt: Int64?
    package var tenantID: String

    package init(
        key: Key,
        processInstanceKey: Key,
        elementInstanceKey: Key,
        elementID: String,
        name: String? = nil,
        state: UserTaskState,
        assignee: String? = nil,
        candidateUsers: [String],
        candidateGroups: [String],
        dueDate: Int64? = nil,
        followUpDate: Int64? = nil,
        priority: Int32,
        externalFormReference: String? = nil,
        headers: [UInt8],
        createdAt: Int64,
        completedAt: Int64? = nil,
        tenantID: String
    ) {
        self.key = key
        self.processInstanceKey = processInstanceKey
        self.elementInstanceKey = elementInstanceKey
        self.elementID = elementID
        self.name = name
        self.state = state
        self.assignee = assignee
        self.candidateUsers = candidateUsers
        self.candidateGroups = candidateGroups
        self.dueDate = dueDate
        self.followUpDate = followUpDate
        self.priority = priority
        self.externalFormReference = externalFormReference
        self.headers = headers
        self.createdAt = createdAt
        self.completedAt = completedAt
        self.tenantID = tenantID
    }
}

/// The rest of a chain of steps that was too long for one command.
package struct ContinuationRecord: Hashable, Sendable {
    package var key: Key
    package var processInstanceKey: Key
    package var steps: [Step]

    package init(
        key: Key,
        processInstanceKey: Key,
        steps: [Step]
    ) {
        self.key = key
        self.processInstanceKey = processInstanceKey
        self.steps = steps
    }
}

/// Names a request for as long as a repetition of it may arrive.
package struct RequestID: Hashable, Sendable {
    /// At most 256 bytes: printable text where a client chose it.
    package let text: String

    package init(_ text: String) { self.text = text }

    /// The id of a request that a node made for a client who gave none. The first character is one that no client can
    /// send in a header.
    package static func made(_ text: String) -> RequestID { RequestID("\u{1}\(text)") }

    package var lane: RequestLane { text.utf8.first == 1 ? .gateway : .client }
}

/// How long the answer to a request is kept for its repetitions.
package enum RequestLane: UInt8, Hashable, Sendable {
    /// The client named the request, and may repeat it for a day.
    case client = 0
    /// A node named it, and repeats it for as long as the client waits.
    case gateway = 1
}

/// What was answered to a request, for its repetitions.
package struct AnsweredRequest: Hashable, Sendable {
    package var id: RequestID
    /// Hash of the command.
    package var commandHash: Int64
    package var answer: Answer
    package var answeredAt: Int64

    package init(
        id: RequestID,
        commandHash: Int64,
        answer: Answer,
        answeredAt: Int64
    ) {
        self.id = id
        self.commandHash = commandHash
        self.answer = answer
        self.answeredAt = answeredAt
    }
}

/// Something for another group, sent until it is acknowledged.
package struct OutboxRecord: Hashable, Sendable {
    package var targetGroup: UInt32
    /// Counted from 1 for each pair of groups.
    package var sequence: Int64
    package var content: Transfer
    /// The request to answer when the target has it.
    package var awaitingRequest: RequestID?
    package var answer: Answer

    package init(
        targetGroup: UInt32,
        sequence: Int64,
        content: Transfer,
        awaitingRequest: RequestID? = nil,
        answer: Answer
    ) {
        self.targetGroup = targetGroup
        self.sequence = sequence
        self.content = content
        self.awaitingRequest = awaitingRequest
        self.answer = answer
    }
}

/// What groups send to each other.
package enum Transfer: Hashable, Sendable {
    /// Definitions with their resource, to be kept by the target as well.
    case definitions([DefinitionRecord], resources: [ResourceRecord])
}

/// The bytes of a deployed file.
package struct ResourceRecord: Hashable, Sendable {
    package var key: Key
    package var name: String
    package var content: [UInt8]

    package init(
        key: Key,
        name: String,
        content: [UInt8]
    ) {
        self.key = key
        self.name = name
        self.content = content
    }
}

/// A flow that reached a joining gateway and waits for its siblings.
package struct TakenFlowRecord: Hashable, Sendable {
    package var scopeKey: Key
    package var processInstanceKey: Key
    /// Position of the gateway in the model.
    package var gateway: Int32
    /// Position of the flow in the model.
    package var flow: Int32
    package var count: Int32

    package init(
        scopeKey: Key,
        processInstanceKey: Key,
        gateway: Int32,
        flow: Int32,
        count: Int32
    ) {
        self.scopeKey = scopeKey
        self.processInstanceKey = processInstanceKey
        self.gateway = gateway
        self.flow = flow
        self.count = count
    }
}

/// What must not be executed again because it ended the process twice.
package struct QuarantineRecord: Hashable, Sendable {
    /// Names the command by kind and target.
    package var subject: String
    package var incidentKey: Key?
    package var at: Int64

    package init(
        subject: String,
        incidentKey: Key? = nil,
        at: Int64
    ) {
        self.subject = subject
        self.incidentKey = incidentKey
        self.at = at
    }
}
