import ProcessEngine

/// The documented searches.
extension SearchSchema {
    static func of(_ view: ViewKind) -> SearchSchema {
        switch view {
        case .processDefinition: .processDefinition
        case .processInstance: .processInstance
        case .elementInstance: .elementInstance
        case .job: .job
        case .incident: .incident
        case .variable: .variable
        case .userTask: .userTask
        }
    }

    private static let elementTypes = SchemaBuilder.words(
        """
        UNSPECIFIED PROCESS SUB_PROCESS EVENT_SUB_PROCESS AD_HOC_SUB_PROCESS
        AD_HOC_SUB_PROCESS_INNER_INSTANCE START_EVENT INTERMEDIATE_CATCH_EVENT
        INTERMEDIATE_THROW_EVENT BOUNDARY_EVENT END_EVENT SERVICE_TASK RECEIVE_TASK USER_TASK
        MANUAL_TASK TASK EXCLUSIVE_GATEWAY INCLUSIVE_GATEWAY PARALLEL_GATEWAY EVENT_BASED_GATEWAY
        SEQUENCE_FLOW MULTI_INSTANCE_BODY CALL_ACTIVITY BUSINESS_RULE_TASK SCRIPT_TASK SEND_TASK
        UNKNOWN
        """
    )
    private static let errorTypes = SchemaBuilder.words(
        """
        UNSPECIFIED UNKNOWN IO_MAPPING_ERROR JOB_NO_RETRIES EXECUTION_LISTENER_NO_RETRIES
        TASK_LISTENER_NO_RETRIES AD_HOC_SUB_PROCESS_NO_RETRIES CONDITION_ERROR EXTRACT_VALUE_ERROR
        CALLED_ELEMENT_ERROR UNHANDLED_ERROR_EVENT MESSAGE_SIZE_EXCEEDED CALLED_DECISION_ERROR
        DECISION_EVALUATION_ERROR FORM_NOT_FOUND RESOURCE_NOT_FOUND SECRET_RESOLUTION_ERROR
        """
    )
    private static let listenerEventTypes = SchemaBuilder.words(
        """
        UNSPECIFIED START END CREATING ASSIGNING UPDATING COMPLETING CANCELING CANCEL BEFORE_ALL
        """
    )
    private static let userTaskStates = SchemaBuilder.words(
        """
        CREATING CREATED ASSIGNING UPDATING COMPLETING COMPLETED CANCELING CANCELED FAILED
        """
    )

    private static let processDefinition: SearchSchema = {
        let build = SchemaBuilder(view: .processDefinition)
        return SearchSchema(
            view: .processDefinition,
            noun: "process definition",
            filters: build.filters(
                """
                name isLatestVersion resourceName version versionTag processDefinitionId tenantId
                processDefinitionKey hasStartForm
                """
            ) + [("state", .constant("ACTIVE", words: ["ACTIVE", "DRAINING", "DELETED"]))],
            sorts: build.sorts(
                """
                processDefinitionKey name resourceName version versionTag processDefinitionId
                tenantId
                """
            ),
            items: build.items(
                """
                name resourceName version versionTag processDefinitionId tenantId
                processDefinitionKey hasStartForm
                """
            ) + [("state", .text("ACTIVE"))],
            allowsAlternatives: false
        )
    }()

    private static let processInstance: SearchSchema = {
        let build = SchemaBuilder(view: .processInstance)
        return SearchSchema(
            view: .processInstance,
            noun: "process instance",
            filters: build.filters(
                """
                processInstanceKey processDefinitionId processDefinitionName
                processDefinitionVersion processDefinitionVersionTag processDefinitionKey
                parentProcessInstanceKey parentElementInstanceKey startDate endDate hasIncident
                tenantId businessId
                """
            ) + [
                build.filter("state", words: ["ACTIVE", "COMPLETED", "TERMINATED", "SUSPENDED"]),
                ("suspendedDate", .absent(.date)),
                ("variables", .variables),
                ("tags", .tags),
                ("elementId", .related(.elementInstance, ViewKind.elementInstance.position("elementId"))),
                ("elementInstanceState", .related(.elementInstance, ViewKind.elementInstance.position("state"))),
                (
                    "hasElementInstanceIncident",
                    .related(.elementInstance, ViewKind.elementInstance.position("hasIncident"))
                ),
                ("errorMessage", .related(.incident, ViewKind.incident.position("errorMessage"))),
                ("hasRetriesLeft", .related(.job, ViewKind.job.position("hasFailedWithRetriesLeft"))),
                ("incidentErrorHashCode", .unsupported),
                ("batchOperationKey", .absent(.string)),
                ("batchOperationId", .absent(.string)),
            ],
            sorts: build.sorts(
                """
                processInstanceKey processDefinitionId processDefinitionName
                processDefinitionVersion processDefinitionVersionTag processDefinitionKey
                parentProcessInstanceKey parentElementInstanceKey startDate endDate state
                hasIncident tenantId businessId
                """
            ) + [("suspendedDate", nil)],
            items: build.items(
                """
                processInstanceKey processDefinitionId processDefinitionName
                processDefinitionVersion processDefinitionVersionTag processDefinitionKey
                parentProcessInstanceKey parentElementInstanceKey rootProcessInstanceKey startDate
                endDate state hasIncident tenantId tags businessId
                """
            ) + [("suspendedDate", .null)],
            allowsAlternatives: true
        )
    }()

    private static let elementInstance: SearchSchema = {
        let build = SchemaBuilder(view: .elementInstance)
        let name = ViewKind.elementInstance.position("elementName")
        return SearchSchema(
            view: .elementInstance,
            noun: "element instance",
            filters: build.filters(
                """
                processDefinitionId state elementId elementName hasIncident tenantId
                elementInstanceKey processInstanceKey processDefinitionKey incidentKey startDate
                endDate elementInstanceScopeKey
                """
            ) + [build.filter("type", words: Self.elementTypes)],
            sorts: build.sorts(
                """
                elementInstanceKey processInstanceKey processDefinitionKey processDefinitionId
                startDate endDate elementId elementName type state incidentKey tenantId
                """
            ),
            items: build.items(
                """
                elementInstanceKey elementId type state startDate endDate hasIncident incidentKey
                processInstanceKey rootProcessInstanceKey processDefinitionKey processDefinitionId
                tenantId
                """
                // Clients require a name; an element without one goes by its id.
            ) + [("elementName", .fieldOr(name, ViewKind.elementInstance.position("elementId")))],
            allowsAlternatives: true
        )
    }()

    private static let job: SearchSchema = {
        let build = SchemaBuilder(view: .job)
        return SearchSchema(
            view: .job,
            noun: "job",
            filters: build.filters(
                """
                deadline elementId elementInstanceKey endTime errorCode errorMessage
                hasFailedWithRetriesLeft jobKey kind priority processDefinitionId
                processDefinitionKey processInstanceKey retries state tenantId type worker
                creationTime lastUpdateTime
                """
            ) + [
                build.filter("listenerEventType", words: Self.listenerEventTypes),
                ("isDenied", .absent(.boolean)),
                ("deniedReason", .absent(.string)),
            ],
            sorts: build.sorts(
                """
                creationTime deadline elementId elementInstanceKey endTime errorCode errorMessage
                hasFailedWithRetriesLeft jobKey kind listenerEventType priority processDefinitionId
                processDefinitionKey processInstanceKey retries state tenantId type worker
                """
            ) + [("isDenied", nil), ("deniedReason", nil)],
            items: build.items(
                """
                jobKey type worker state kind listenerEventType retries priority deadline errorCode
                errorMessage hasFailedWithRetriesLeft customHeaders elementId elementInstanceKey
                processDefinitionId processDefinitionKey processInstanceKey rootProcessInstanceKey
                businessId tenantId creationTime lastUpdateTime endTime
                """
            ) + [("isDenied", .null), ("deniedReason", .null)],
            allowsAlternatives: false
        )
    }()

    private static let incident: SearchSchema = {
        let build = SchemaBuilder(view: .incident)
        return SearchSchema(
            view: .incident,
            noun: "incident",
            filters: build.filters(
                """
                processDefinitionId errorMessage elementId creationTime tenantId incidentKey
                processDefinitionKey processInstanceKey elementInstanceKey jobKey
                """
            ) + [
                build.filter("errorType", words: Self.errorTypes),
                build.filter("state", words: ["ACTIVE", "RESOLVED", "MIGRATED", "PENDING", "UNKNOWN"]),
            ],
            sorts: build.sorts(
                """
                incidentKey errorType processDefinitionKey processDefinitionId processInstanceKey
                elementId elementInstanceKey creationTime state jobKey tenantId
                """
            ),
            items: build.items(
                """
                incidentKey errorType errorMessage state creationTime elementId elementInstanceKey
                processDefinitionId processDefinitionKey processInstanceKey rootProcessInstanceKey
                jobKey tenantId
                """
            ),
            allowsAlternatives: false
        )
    }()

    private static let variable: SearchSchema = {
        let build = SchemaBuilder(view: .variable)
        return SearchSchema(
            view: .variable,
            noun: "variable",
            filters: build.filters("name value tenantId variableKey scopeKey processInstanceKey")
                + [("isTruncated", .unsupported)],
            sorts: build.sorts("variableKey name value scopeKey processInstanceKey tenantId"),
            items: build.items(
                """
                variableKey name value scopeKey processInstanceKey rootProcessInstanceKey tenantId
                """
            ),
            allowsAlternatives: false
        )
    }()

    /// The variables that one user task sees.
    static let userTaskVariable = SearchSchema(
        view: variable.view,
        noun: variable.noun,
        filters: SchemaBuilder(view: .variable).filters("name"),
        sorts: variable.sorts,
        items: variable.items,
        allowsAlternatives: false
    )

    private static let userTask: SearchSchema = {
        let build = SchemaBuilder(view: .userTask)
        return SearchSchema(
            view: .userTask,
            noun: "user task",
            filters: build.filters(
                """
                assignee businessId priority elementId name tenantId processDefinitionId
                creationDate completionDate followUpDate dueDate userTaskKey processDefinitionKey
                processInstanceKey elementInstanceKey
                """
            ) + [
                build.filter("state", words: Self.userTaskStates),
                ("candidateGroup", .listMember(ViewKind.userTask.position("candidateGroups"))),
                ("candidateUser", .listMember(ViewKind.userTask.position("candidateUsers"))),
                ("processInstanceVariables", .variables),
                ("localVariables", .unsupported),
                ("tags", .tags),
            ],
            sorts: build.sorts(
                """
                creationDate completionDate followUpDate dueDate priority name businessId
                """
            ),
            items: build.items(
                """
                userTaskKey name state assignee elementId elementInstanceKey candidateUsers
                candidateGroups processDefinitionId processDefinitionVersion processName
                processDefinitionKey processInstanceKey rootProcessInstanceKey creationDate
                completionDate dueDate followUpDate priority formKey externalFormReference
                customHeaders tags businessId tenantId
                """
            ),
            allowsAlternatives: true
        )
    }()
}
