/// What can be searched. Each view is one table of the state and of every history file.
package enum ViewKind: String, Hashable, Sendable, CaseIterable {
    case processDefinition
    case processInstance
    case elementInstance
    case job
    case incident
    case variable
    case userTask
}

/// The type of a view's field; it decides the JSON form and the filter operators.
package enum ViewFieldType: Hashable, Sendable {
    /// A key: JSON string of digits.
    case key
    case integer
    case boolean
    /// Milliseconds since 1970; ISO-8601 text in JSON.
    case date
    case string
    /// One of the given words.
    case enumeration([String])
    /// A JSON value kept as its text, written into JSON as it is (headers, tags, candidate lists).
    case json
    /// A JSON value kept as its text, written into JSON as a string (a variable's value).
    case serializedJSON
}

/// One field of a view. Its name is the JSON property and the column.
package struct ViewField: Hashable, Sendable {
    package var name: String
    package var type: ViewFieldType
    package var isNullable: Bool

    package init(_ name: String, _ type: ViewFieldType, isNullable: Bool = false) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
    }
}

extension ViewKind {
    /// The fields in the order of a row's values. The first one is the key: it identifies the row and breaks ties.
    package var fields: [ViewField] {
        switch self {
        case .processDefinition: ViewField.processDefinition
        case .processInstance: ViewField.processInstance
        case .elementInstance: ViewField.elementInstance
        case .job: ViewField.job
        case .incident: ViewField.incident
        case .variable: ViewField.variable
        case .userTask: ViewField.userTask
        }
    }
}

extension ViewField {
    fileprivate static let processDefinition: [ViewField] = [
        ViewField("processDefinitionKey", .key),
        ViewField("processDefinitionId", .string),
        ViewField("name", .string, isNullable: true),
        ViewField("resourceName", .string),
        ViewField("version", .integer),
        ViewField("versionTag", .string, isNullable: true),
        ViewField("tenantId", .string),
        ViewField("hasStartForm", .boolean),
        ViewField("isLatestVersion", .boolean),
        ViewField("deploymentKey", .key),
    ]

    fileprivate static let processInstance: [ViewField] = [
        ViewField("processInstanceKey", .key),
        ViewField("processDefinitionId", .string),
        ViewField("processDefinitionName", .string, isNullable: true),
        ViewField("processDefinitionVersion", .integer),
        ViewField("processDefinitionVersionTag", .string, isNullable: true),
        ViewField("processDefinitionKey", .key),
        ViewField("parentProcessInstanceKey", .key, isNullable: true),
        ViewField("parentElementInstanceKey", .key, isNullable: true),
        ViewField("rootProcessInstanceKey", .key),
        ViewField("startDate", .date),
        ViewField("endDate", .date, isNullable: true),
        ViewField("state", .enumeration(["ACTIVE", "COMPLETED", "TERMINATED"])),
        ViewField("hasIncident", .boolean),
        ViewField("tenantId", .string),
        ViewField("tags", .json),
        ViewField("businessId", .string, isNullable: true),
    ]

    fileprivate static let elementInstance: [ViewField] = [
        ViewField("elementInstanceKey", .key),
        ViewField("elementId", .string),
        ViewField("elementName", .string, isNullable: true),
        ViewField("type", .string),
        ViewField("state", .enumeration(["ACTIVE", "COMPLETED", "TERMINATED"])),
        ViewField("startDate", .date),
        ViewField("endDate", .date, isNullable: true),
        ViewField("hasIncident", .boolean),
        ViewField("incidentKey", .key, isNullable: true),
        ViewField("elementInstanceScopeKey", .key),
        ViewField("processInstanceKey", .key),
        ViewField("rootProcessInstanceKey", .key),
        ViewField("processDefinitionKey", .key),
        ViewField("processDefinitionId", .string),
        ViewField("tenantId", .string),
    ]

    fileprivate static let job: [ViewField] = [
        ViewField("jobKey", .key),
        ViewField("type", .string),
        ViewField("worker", .string),
        ViewField(
            "state",
            .enumeration([
                "CREATED", "COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "ERROR_THROWN", "RETRIES_UPDATED",
                "TIMEOUT_UPDATED", "PRIORITY_UPDATED", "MIGRATED",
            ])
        ),
        ViewField("kind", .enumeration(["BPMN_ELEMENT", "EXECUTION_LISTENER", "TASK_LISTENER", "AD_HOC_SUB_PROCESS"])),
        ViewField("listenerEventType", .string),
        ViewField("retries", .integer),
        ViewField("priority", .integer),
        ViewField("deadline", .date, isNullable: true),
        ViewField("errorCode", .string, isNullable: true),
        ViewField("errorMessage", .string, isNullable: true),
        ViewField("hasFailedWithRetriesLeft", .boolean),
        ViewField("customHeaders", .json),
        ViewField("elementId", .string),
        ViewField("elementInstanceKey", .key),
        ViewField("processDefinitionId", .string),
        ViewField("processDefinitionKey", .key),
        ViewField("processInstanceKey", .key),
        ViewField("rootProcessInstanceKey", .key),
        ViewField("businessId", .string, isNullable: true),
        ViewField("tenantId", .string),
        ViewField("creationTime", .date),
        ViewField("lastUpdateTime", .date),
        ViewField("endTime", .date, isNullable: true),
    ]

    fileprivate static let incident: [ViewField] = [
        ViewField("incidentKey", .key),
        ViewField("errorType", .string),
        ViewField("errorMessage", .string),
        ViewField("state", .enumeration(["ACTIVE", "RESOLVED"])),
        ViewField("creationTime", .date),
        ViewField("elementId", .string),
        ViewField("elementInstanceKey", .key),
        ViewField("processDefinitionId", .string),
        ViewField("processDefinitionKey", .key),
        ViewField("processInstanceKey", .key),
        ViewField("rootProcessInstanceKey", .key),
        ViewField("jobKey", .key, isNullable: true),
        ViewField("tenantId", .string),
    ]

    fileprivate static let variable: [ViewField] = [
        ViewField("variableKey", .key),
        ViewField("name", .string),
        ViewField("value", .serializedJSON),
        ViewField("scopeKey", .key),
        ViewField("processInstanceKey", .key),
        ViewField("rootProcessInstanceKey", .key),
        ViewField("tenantId", .string),
    ]

    fileprivate static let userTask: [ViewField] = [
        ViewField("userTaskKey", .key),
        ViewField("name", .string, isNullable: true),
        ViewField("state", .enumeration(["CREATED", "COMPLETED", "CANCELED"])),
        ViewField("assignee", .string, isNullable: true),
        ViewField("elementId", .string),
        ViewField("elementInstanceKey", .key),
        ViewField("candidateUsers", .json),
        ViewField("candidateGroups", .json),
        ViewField("processDefinitionId", .string),
        ViewField("processDefinitionVersion", .integer),
        ViewField("processName", .string, isNullable: true),
        ViewField("processDefinitionKey", .key),
        ViewField("processInstanceKey", .key),
        ViewField("rootProcessInstanceKey", .key),
        ViewField("creationDate", .date),
        ViewField("completionDate", .date, isNullable: true),
        ViewField("dueDate", .date, isNullable: true),
        ViewField("followUpDate", .date, isNullable: true),
        ViewField("priority", .integer),
        ViewField("formKey", .key, isNullable: true),
        ViewField("externalFormReference", .string, isNullable: true),
        ViewField("customHeaders", .json),
        ViewField("tags", .json),
        ViewField("businessId", .string, isNullable: true),
        ViewField("tenantId", .string),
    ]
}

/// The value of a field in a row, and of a filter.
package enum ViewValue: Hashable, Sendable {
    case null
    /// Keys, integers, booleans (0, 1) and dates (milliseconds since 1970).
    case integer(Int64)
    /// Strings, enumeration words, JSON texts.
    case text(String)
}

/// One row; values in the order of the view's fields.
package struct ViewRow: Hashable, Sendable {
    package var values: [ViewValue]

    package init(values: [ViewValue]) { self.values = values }
}
