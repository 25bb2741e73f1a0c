/// The tables of a group's state database.
///
/// Every table is a rowid table whose key is the row id: keys of one group grow, so inserts append. Tables whose
/// identity is a pair are WITHOUT ROWID, which keeps them in one tree. A column that a view shows (`ViewKind.fields`)
/// has the view's name; what a view shows beyond that is found by join or computed:
///
/// - `processDefinitionKey`, `rootProcessInstanceKey`, `tenantId`, `tags`, `businessId` of elements, variables, jobs,
///   incidents and user tasks: `process_instance` by `processInstanceKey`.
/// - `processDefinitionId`, names, versions and tags: `process_definition` by `processDefinitionKey`.
/// - Words for states: columns named `state` and `mark` hold the raw values of the engine's enumerations.
/// - A job's view field `state` is the column `mark`; the column `state` is where the job stands.
/// - An incident's `state`: 0 is ACTIVE, 1 is RESOLVED.
/// - An element's `type` is the kind as the model names it (`serviceTask`); views show it in upper snake case. The
///   process itself has a row under the instance's key, `type` = `process`, which no view shows.
/// - Lists of strings and headers are JSON texts; a variable's `value` is the text of one JSON value.
/// - Times are milliseconds since 1970.
///
/// `finished_instance` and `store_property` belong to the node alone: they are no part of what replicas have in common.
/// So do the columns of `engine_position` with `Rows` and `Archived` in their names: what is archived when is up to
/// the node, only their sum is common (`StateDigest`).
package enum Schema {
    /// The level written into a new database (`PRAGMA user_version`).
    package static let level: Int64 = 3

    /// The file format's mark (`PRAGMA application_id`): "ThSt".
    package static let applicationID: Int64 = 0x5468_5374

    /// Everything a new database needs, one statement each, in order.
    package static let statements: [String] =
        definitions + instances + variables + jobs + triggers + incidents + engine + nodeLocal

    private static let definitions = [
        """
        CREATE TABLE process_definition(
            processDefinitionKey INTEGER PRIMARY KEY,
            processDefinitionId TEXT NOT NULL,
            version INTEGER NOT NULL,
            tenantId TEXT NOT NULL,
            name TEXT,
            versionTag TEXT,
            deploymentKey INTEGER NOT NULL,
            resourceName TEXT NOT NULL,
            resourceHash INTEGER NOT NULL,
            resourceKey INTEGER NOT NULL,
            deployedAt INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE UNIQUE INDEX process_definition_version
        ON process_definition(processDefinitionId, tenantId, version)
        """,
        """
        CREATE TABLE resource(
            resourceKey INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            content BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE start_subscription(
            startSubscriptionKey INTEGER PRIMARY KEY,
            messageName TEXT NOT NULL,
            processDefinitionKey INTEGER NOT NULL,
            processDefinitionId TEXT NOT NULL,
            elementId TEXT NOT NULL,
            tenantId TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX start_subscription_message ON start_subscription(messageName, tenantId)",
        "CREATE INDEX start_subscription_definition ON start_subscription(processDefinitionKey)",
    ]

    private static let instances = [
        """
        CREATE TABLE process_instance(
            processInstanceKey INTEGER PRIMARY KEY,
            processDefinitionKey INTEGER NOT NULL,
            parentProcessInstanceKey INTEGER,
            parentElementInstanceKey INTEGER,
            rootProcessInstanceKey INTEGER NOT NULL,
            state INTEGER NOT NULL,
            startDate INTEGER NOT NULL,
            endDate INTEGER,
            tenantId TEXT NOT NULL,
            tags TEXT NOT NULL,
            businessId TEXT,
            startCorrelationKey TEXT,
            depth INTEGER NOT NULL,
            awaitingRequest TEXT,
            awaitedVariables TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX process_instance_definition ON process_instance(processDefinitionKey)",
        """
        CREATE INDEX process_instance_parent ON process_instance(parentProcessInstanceKey)
        WHERE parentProcessInstanceKey IS NOT NULL
        """,
        """
        CREATE INDEX process_instance_root ON process_instance(rootProcessInstanceKey)
        WHERE parentProcessInstanceKey IS NOT NULL
        """,
        "CREATE INDEX process_instance_business ON process_instance(businessId) WHERE businessId IS NOT NULL",
        """
        CREATE INDEX process_instance_start ON process_instance(startCorrelationKey)
        WHERE startCorrelationKey IS NOT NULL AND state = 0
        """,
        """
        CREATE TABLE element_instance(
            elementInstanceKey INTEGER PRIMARY KEY,
            processInstanceKey INTEGER NOT NULL,
            elementId TEXT NOT NULL,
            elementName TEXT,
            type TEXT NOT NULL,
            elementInstanceScopeKey INTEGER,
            state INTEGER NOT NULL,
            startDate INTEGER NOT NULL,
            endDate INTEGER,
            activeChildren INTEGER NOT NULL,
            waitsFor INTEGER,
            incidentKey INTEGER,
            interruptedBy INTEGER
        ) STRICT
        """,
        "CREATE INDEX element_instance_process ON element_instance(processInstanceKey)",
        // Only what has not ended: an instance that loops keeps thousands of ended elements out of it. A process is in
        // no scope.
        """
        CREATE INDEX element_instance_active ON element_instance(elementInstanceScopeKey)
        WHERE state < 4 AND elementInstanceScopeKey IS NOT NULL
        """,
        """
        CREATE TABLE taken_flow(
            scopeKey INTEGER NOT NULL,
            gateway INTEGER NOT NULL,
            flow INTEGER NOT NULL,
            processInstanceKey INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY(scopeKey, gateway, flow)
        ) STRICT, WITHOUT ROWID
        """,
    ]

    private static let variables = [
        """
        CREATE TABLE variable(
            variableKey INTEGER PRIMARY KEY,
            scopeKey INTEGER NOT NULL,
            processInstanceKey INTEGER NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX variable_name ON variable(processInstanceKey, scopeKey, name)",
    ]

    private static let jobs = [
        """
        CREATE TABLE job(
            jobKey INTEGER PRIMARY KEY,
            type TEXT NOT NULL,
            processInstanceKey INTEGER NOT NULL,
            elementInstanceKey INTEGER NOT NULL,
            elementId TEXT NOT NULL,
            state INTEGER NOT NULL,
            mark INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            priority INTEGER NOT NULL,
            worker TEXT NOT NULL,
            deadline INTEGER,
            activations INTEGER NOT NULL,
            errorCode TEXT,
            errorMessage TEXT,
            customHeaders TEXT NOT NULL,
            tenantId TEXT NOT NULL,
            creationTime INTEGER NOT NULL,
            lastUpdateTime INTEGER NOT NULL,
            endTime INTEGER
        ) STRICT
        """,
        "CREATE INDEX job_activatable ON job(tenantId, type, priority DESC) WHERE state = 0",
        "CREATE INDEX job_deadline ON job(deadline) WHERE state IN (1, 2)",
        "CREATE INDEX job_process ON job(processInstanceKey)",
        """
        CREATE TABLE user_task(
            userTaskKey INTEGER PRIMARY KEY,
            processInstanceKey INTEGER NOT NULL,
            elementInstanceKey INTEGER NOT NULL,
            elementId TEXT NOT NULL,
            name TEXT,
            state INTEGER NOT NULL,
            assignee TEXT,
            candidateUsers TEXT NOT NULL,
            candidateGroups TEXT NOT NULL,
            dueDate INTEGER,
            followUpDate INTEGER,
            priority INTEGER NOT NULL,
            externalFormReference TEXT,
            customHeaders TEXT NOT NULL,
            creationDate INTEGER NOT NULL,
            completionDate INTEGER,
            tenantId TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX user_task_process ON user_task(processInstanceKey)",
        "CREATE INDEX user_task_assignee ON user_task(assignee) WHERE state = 0 AND assignee IS NOT NULL",
    ]

    private static let triggers = [
        """
        CREATE TABLE timer(
            timerKey INTEGER PRIMARY KEY,
            dueAt INTEGER NOT NULL,
            processInstanceKey INTEGER,
            elementInstanceKey INTEGER,
            processDefinitionKey INTEGER NOT NULL,
            elementId TEXT NOT NULL,
            repetitions INTEGER NOT NULL,
            cycle TEXT,
            tenantId TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX timer_due ON timer(dueAt)",
        "CREATE INDEX timer_element ON timer(elementInstanceKey) WHERE elementInstanceKey IS NOT NULL",
        "CREATE INDEX timer_start ON timer(processDefinitionKey) WHERE elementInstanceKey IS NULL",
        """
        CREATE TABLE message_subscription(
            subscriptionKey INTEGER PRIMARY KEY,
            messageName TEXT NOT NULL,
            correlationKey TEXT NOT NULL,
            processInstanceKey INTEGER NOT NULL,
            elementInstanceKey INTEGER NOT NULL,
            elementId TEXT NOT NULL,
            processDefinitionId TEXT NOT NULL,
            isInterrupting INTEGER NOT NULL,
            tenantId TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE INDEX message_subscription_message
        ON message_subscription(messageName, correlationKey, tenantId)
        """,
        "CREATE INDEX message_subscription_element ON message_subscription(elementInstanceKey)",
        """
        CREATE TABLE message(
            messageKey INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            correlationKey TEXT NOT NULL,
            messageId TEXT,
            variables BLOB NOT NULL,
            expiresAt INTEGER NOT NULL,
            tenantId TEXT NOT NULL,
            correlatedProcessIds TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX message_name ON message(name, correlationKey, tenantId)",
        "CREATE INDEX message_id ON message(messageId, name) WHERE messageId IS NOT NULL",
        "CREATE INDEX message_expiry ON message(expiresAt)",
    ]

    private static let incidents = [
        """
        CREATE TABLE incident(
            incidentKey INTEGER PRIMARY KEY,
            errorType TEXT NOT NULL,
            errorMessage TEXT NOT NULL,
            state INTEGER NOT NULL,
            creationTime INTEGER NOT NULL,
            elementId TEXT NOT NULL,
            elementInstanceKey INTEGER NOT NULL,
            processInstanceKey INTEGER NOT NULL,
            jobKey INTEGER,
            tenantId TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX incident_process ON incident(processInstanceKey, state)",
    ]

    private static let engine = [
        """
        CREATE TABLE continuation(
            continuationKey INTEGER PRIMARY KEY,
            processInstanceKey INTEGER NOT NULL,
            steps BLOB NOT NULL
        ) STRICT
        """,
        // Rows come with growing time and go from the oldest on: positions have no gaps and are in the order of time.
        """
        CREATE TABLE answered_request(
            position INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            commandHash INTEGER NOT NULL,
            answer BLOB NOT NULL,
            answeredAt INTEGER NOT NULL
        ) STRICT
        """,
        // Found by id in memory: see `AnswerIndex`.
        """
        CREATE TABLE answered_submission(
            position INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            commandHash INTEGER NOT NULL,
            answer BLOB NOT NULL,
            answeredAt INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE outbox(
            targetGroup INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            content BLOB NOT NULL,
            awaitingRequest TEXT,
            answer BLOB NOT NULL,
            PRIMARY KEY(targetGroup, sequence)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE group_link(
            groupId INTEGER PRIMARY KEY,
            lastSent INTEGER NOT NULL,
            lastReceived INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE quarantine(
            subject TEXT PRIMARY KEY,
            incidentKey INTEGER,
            quarantinedAt INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        // At most one row; id is 1.
        """
        CREATE TABLE membership(
            id INTEGER PRIMARY KEY CHECK(id = 1),
            content BLOB NOT NULL
        ) STRICT
        """,
        // One row; id is 1. The digest is that of all rows that are there and of all that were archived.
        """
        CREATE TABLE engine_position(
            id INTEGER PRIMARY KEY CHECK(id = 1),
            appliedIndex INTEGER NOT NULL,
            appliedTerm INTEGER NOT NULL,
            time INTEGER NOT NULL,
            keyCounter INTEGER NOT NULL,
            digestRowsFirst INTEGER NOT NULL,
            digestRowsSecond INTEGER NOT NULL,
            digestArchivedFirst INTEGER NOT NULL,
            digestArchivedSecond INTEGER NOT NULL
        ) STRICT
        """,
        "INSERT INTO engine_position VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0)",
    ]

    private static let nodeLocal = [
        // Ended instances whose root has ended as well: what may be moved to the history.
        "CREATE TABLE finished_instance(processInstanceKey INTEGER PRIMARY KEY) STRICT",
        """
        CREATE TABLE store_property(
            name TEXT PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        "INSERT INTO store_property VALUES('durableAppliedIndex', 0)",
    ]
}
