import ProcessEngine

/// One of everything that is stored, with every field set, and again with every optional field empty.
enum CodingSamples {
    private static let key = Key(group: 1, counter: 5)
    private static let other = Key(group: 0, counter: (1 << 51) - 1)
    private static let text = "grüße \u{1F4E6}"
    private static let variables = VariableDocument([
        .init(name: "a", value: Array("[1,2]".utf8)), .init(name: "", value: []),
    ])
    private static let rejection = Rejection(.invalidState, "Expected a, but got b")

    static let definition = DefinitionRecord(
        key: key,
        processID: text,
        version: .max,
        tenantID: "t",
        name: text,
        versionTag: "v",
        deploymentKey: other,
        resourceName: "r",
        resourceHash: .min,
        resourceKey: key,
        deployedAt: .max
    )
    static let resource = ResourceRecord(key: key, name: "r.bpmn", content: [0, 255, 128])
    static let instance = ProcessInstanceRecord(
        key: key,
        definitionKey: other,
        parentInstanceKey: key,
        parentElementInstanceKey: other,
        rootInstanceKey: key,
        state: .terminated,
        startedAt: -1,
        endedAt: 2,
        tenantID: "t",
        tags: ["x", ""],
        businessID: "b",
        startCorrelationKey: "c",
        depth: 3,
        awaitingRequest: RequestID("q"),
        awaitedVariables: ["y"]
    )
    static let emptyInstance = ProcessInstanceRecord(
        key: key,
        definitionKey: other,
        rootInstanceKey: key,
        state: .active,
        startedAt: 0,
        tenantID: "",
        tags: [],
        depth: 0,
        awaitedVariables: []
    )
    static let element = ElementInstanceRecord(
        key: key,
        processInstanceKey: other,
        elementID: "e",
        name: text,
        kind: "userTask",
        scopeKey: other,
        state: .completing,
        startedAt: 1,
        endedAt: 2,
        activeChildren: -3,
        waitsFor: key,
        incidentKey: other,
        interruptedBy: key
    )
    static let emptyElement = ElementInstanceRecord(
        key: key,
        processInstanceKey: key,
        elementID: "",
        kind: "",
        state: .activating,
        startedAt: 0,
        activeChildren: 0
    )
    static let job = JobRecord(
        key: key,
        type: "w",
        processInstanceKey: other,
        elementInstanceKey: key,
        elementID: "e",
        state: .backingOff,
        mark: .timedOut,
        retries: .min,
        priority: .max,
        worker: text,
        deadline: 7,
        activations: 8,
        errorCode: "c",
        errorMessage: "m",
        headers: [123, 125],
        tenantID: "t",
        createdAt: 1,
        updatedAt: 2,
        endedAt: 3
    )
    static let emptyJob = JobRecord(
        key: key,
        type: "",
        processInstanceKey: key,
        elementInstanceKey: key,
        elementID: "",
        state: .activatable,
        mark: .created,
        retries: 0,
        priority: 0,
        worker: "",
        activations: 0,
        headers: [],
        tenantID: "",
        createdAt: 0,
        updatedAt: 0
    )
    static let task = UserTaskRecord(
        key: key,
        processInstanceKey: other,
        elementInstanceKey: key,
        elementID: "e",
        name: "n",
        state: .canceled,
        assignee: "a",
        candidateUsers: ["u"],
        candidateGroups: ["g", "h"],
        dueDate: 1,
        followUpDate: 2,
        priority: 50,
        externalFormReference: "f",
        headers: [1],
        createdAt: 3,
        completedAt: 4,
        tenantID: "t"
    )
    static let emptyTask = UserTaskRecord(
        key: key,
        processInstanceKey: key,
        elementInstanceKey: key,
        elementID: "",
        state: .created,
        candidateUsers: [],
        candidateGroups: [],
        priority: 0,
        headers: [],
        createdAt: 0,
        tenantID: ""
    )
    static let timer = TimerRecord(
        key: key,
        dueAt: .max,
        processInstanceKey: other,
        elementInstanceKey: key,
        definitionKey: other,
        elementID: "e",
        repetitions: -1,
        cycle: "R/PT1H",
        tenantID: "t"
    )
    static let emptyTimer = TimerRecord(
        key: key,
        dueAt: .min,
        definitionKey: other,
        elementID: "",
        repetitions: 0,
        tenantID: ""
    )
    static let subscription = SubscriptionRecord(
        key: key,
        messageName: "m",
        correlationKey: "c",
        processInstanceKey: other,
        elementInstanceKey: key,
        elementID: "e",
        processID: "p",
        isInterrupting: true,
        tenantID: "t"
    )
    static let startSubscription = StartSubscriptionRecord(
        key: key,
        messageName: "m",
        definitionKey: other,
        processID: "p",
        elementID: "e",
        tenantID: "t"
    )
    static let message = MessageRecord(
        key: key,
        name: "m",
        correlationKey: "c",
        messageID: "i",
        variables: variables,
        expiresAt: 9,
        tenantID: "t",
        correlatedProcessIDs: ["p", "q"]
    )
    static let incident = IncidentRecord(
        key: key,
        type: .messageSizeExceeded,
        message: text,
        isResolved: true,
        createdAt: 1,
        elementID: "e",
        elementInstanceKey: other,
        processInstanceKey: key,
        jobKey: other,
        tenantID: "t"
    )
    static let continuation = ContinuationRecord(
        key: key,
        processInstanceKey: other,
        steps: [
            .enter(element: 1, flow: 2, scope: key), .enter(element: .max, flow: nil, scope: other), .activate(key),
            .complete(other), .terminate(key), .childEnded(scope: other), .correlateBuffered(subscription: key),
            .calledInstanceEnded(instance: other), .terminateChildren(scope: key),
        ]
    )
    static let flow = TakenFlowRecord(scopeKey: key, processInstanceKey: other, gateway: 1, flow: 2, count: 3)

    static let answers: [Answer] = [
        .done,
        .deployed(
            .init(
                key: key,
                tenantID: "t",
                processes: [
                    .init(definitionKey: other, processID: "p", version: 2, resourceName: "r", tenantID: "t")
                ]
            )
        ),
        .instanceCreated(
            .init(
                processInstanceKey: key,
                definitionKey: other,
                processID: "p",
                version: 1,
                tenantID: "t",
                tags: ["a"],
                businessID: "b",
                variables: variables
            )
        ),
        .instanceCreated(
            .init(
                processInstanceKey: key,
                definitionKey: other,
                processID: "p",
                version: 1,
                tenantID: "t",
                tags: [],
                businessID: nil
            )
        ),
        .jobsActivated([]),
        .jobsActivated([
            .init(
                key: key,
                type: "w",
                processInstanceKey: other,
                rootProcessInstanceKey: key,
                definitionKey: other,
                processID: "p",
                version: 1,
                elementID: "e",
                elementInstanceKey: key,
                customHeaders: [123, 125],
                worker: "w",
                retries: 3,
                deadline: 4,
                variables: variables,
                tenantID: "t",
                tags: ["a"],
                priority: -1,
                businessID: nil,
                lease: "l"
            )
        ]),
        .messagePublished(key: key, tenantID: "t"),
        .messageCorrelated(key: key, tenantID: "t", processInstanceKey: other), .rejected(rejection),
    ]

    static let outbox = OutboxRecord(
        targetGroup: 4_095,
        sequence: 3,
        content: .definitions([definition], resources: [resource]),
        awaitingRequest: RequestID("q"),
        answer: answers[1]
    )

    static let events: [(name: String, event: Event)] = [
        ("definitionAdded", .definitionAdded(definition)), ("resourceAdded", .resourceAdded(resource)),
        ("startSubscriptionOpened", .startSubscriptionOpened(startSubscription)),
        ("startSubscriptionClosed", .startSubscriptionClosed(key)), ("instanceCreated", .instanceCreated(instance)),
        ("instanceCreated-empty", .instanceCreated(emptyInstance)),
        ("instanceEnded", .instanceEnded(key, .completed, at: 3)),
        ("elementEntered", .elementEntered(element, consumedFlows: 1, takenFlows: [2, 3])),
        ("elementEntered-empty", .elementEntered(emptyElement, consumedFlows: 0, takenFlows: [])),
        ("elementChanged", .elementChanged(key, .terminating)),
        ("elementCompleted", .elementCompleted(key, scope: other, at: 4, takenFlows: [5])),
        ("elementTerminated", .elementTerminated(key, scope: nil, at: 6)),
        ("elementInterrupted", .elementInterrupted(key, by: other)),
        ("elementWaits", .elementWaits(key, for: other)), ("elementFlowStarted", .elementFlowStarted(key)),
        ("flowArrived", .flowArrived(flow)), ("flowsJoined", .flowsJoined(scope: key, gateway: 7, flows: [8, 9])),
        ("flowsDropped", .flowsDropped(scope: key, count: 2)),
        (
            "variableCreated",
            .variableCreated(
                VariableRecord(key: key, scopeKey: other, processInstanceKey: key, name: text, value: [49])
            )
        ),
        ("variableUpdated", .variableUpdated(key, value: [50])), ("jobCreated", .jobCreated(job)),
        ("jobCreated-empty", .jobCreated(emptyJob)),
        ("jobActivated", .jobActivated(key, worker: "w", deadline: 1, at: 2)),
        ("jobEnded", .jobEnded(key, .canceled, at: 3)), ("jobChanged", .jobChanged(job)),
        ("timerScheduled", .timerScheduled(timer)), ("timerScheduled-empty", .timerScheduled(emptyTimer)),
        ("timerRemoved", .timerRemoved(key, isTriggered: true)),
        ("subscriptionOpened", .subscriptionOpened(subscription)),
        ("subscriptionClosed", .subscriptionClosed(key)), ("messagePublished", .messagePublished(message)),
        ("messageCorrelated", .messageCorrelated(key, processID: "p")), ("messageRemoved", .messageRemoved(key)),
        ("incidentCreated", .incidentCreated(incident)),
        ("incidentResolved", .incidentResolved(key, elementInstance: other)),
        ("userTaskCreated", .userTaskCreated(task)), ("userTaskCreated-empty", .userTaskCreated(emptyTask)),
        ("userTaskChanged", .userTaskChanged(task)), ("continuationStored", .continuationStored(continuation)),
        ("continuationRemoved", .continuationRemoved(key)),
        (
            "requestAnswered",
            .requestAnswered(
                AnsweredRequest(id: RequestID("q"), commandHash: -1, answer: .rejected(rejection), answeredAt: 5)
            )
        ),
        ("requestsForgotten", .requestsForgotten(.gateway, through: 6)), ("transferQueued", .transferQueued(outbox)),
        ("transferAcknowledged", .transferAcknowledged(targetGroup: 1, sequence: 2)),
        ("transferReceived", .transferReceived(sourceGroup: 0, sequence: 3)),
        ("quarantined", .quarantined(QuarantineRecord(subject: "instance:5", incidentKey: key, at: 7))),
        ("quarantineLifted", .quarantineLifted(subject: "instance:5")),
    ]

    static let commands: [Command] = [
        .deploy(resources: [DeploymentResource(name: "a", content: [1])], tenantID: "t"),
        .createInstance(
            .init(
                definition: .processID("p", version: 3),
                variables: variables,
                tenantID: "t",
                startElementIDs: ["e"],
                tags: ["a"],
                businessID: "b",
                awaitedResult: AwaitedResult(fetchVariables: ["x"])
            )
        ),
        .createInstance(.init(definition: .key(key))), .createInstance(.init(definition: .processID("", version: nil))),
        .cancelInstance(key),
        .activateJobs(
            .init(
                type: "w",
                worker: "x",
                timeoutMilliseconds: 1,
                limit: 2,
                fetchVariables: ["a"],
                tenantIDs: ["t", "u"],
                withLease: true
            )
        ),
        .completeJob(key, variables: variables, lease: "l"), .completeJob(other, variables: .init(), lease: nil),
        .failJob(
            key,
            .init(retries: 1, errorMessage: "m", retryBackOffMilliseconds: 2, variables: variables),
            lease: nil
        ),
        .throwJobError(key, .init(errorCode: "c", errorMessage: "m", variables: variables), lease: "l"),
        .updateJob(key, .init(retries: 1, timeoutMilliseconds: 2, priority: 3), lease: nil),
        .updateJob(key, .init(), lease: nil),
        .publishMessage(
            .init(
                name: "m",
                correlationKey: "c",
                timeToLiveMilliseconds: 1,
                messageID: "i",
                variables: variables,
                tenantID: "t"
            )
        ),
        .correlateMessage(.init(name: "m", correlationKey: "c", variables: variables, tenantID: "t")),
        .resolveIncident(key), .setVariables(scope: key, variables: variables, isLocal: true),
        .assignUserTask(key, assignee: "a", allowOverride: true, action: "x"), .unassignUserTask(key),
        .updateUserTask(key, change, action: nil), .completeUserTask(key, variables: variables, action: "y"),
    ]

    private static var change: Command.UserTaskChange {
        var change = Command.UserTaskChange()
        change.dueDate = ""
        change.followUpDate = "2027-01-01T00:00:00Z"
        change.candidateUsers = []
        change.candidateGroups = ["g"]
        change.priority = 4
        return change
    }
}
