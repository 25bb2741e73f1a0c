/// The kinds of element a process is made of. The engine has one behaviour per kind.
package enum ElementKind: String, Hashable, Sendable, CaseIterable {
    case process
    case subProcess
    case startEvent
    case endEvent
    case intermediateCatchEvent
    case intermediateThrowEvent
    case boundaryEvent
    case task
    case manualTask
    case serviceTask
    case userTask
    case scriptTask
    case businessRuleTask
    case receiveTask
    case sendTask
    case callActivity
    case exclusiveGateway
    case parallelGateway
    case eventBasedGateway
}

/// Work that is handed to a job worker (`zeebe:taskDefinition`, `zeebe:taskHeaders`).
package struct JobDefinition: Hashable, Sendable {
    package var type: ModelExpression
    /// Number of attempts; `"3"` unless the model says otherwise.
    package var retries: ModelExpression
    /// In model order; keys are unique.
    package var headers: [TaskHeader]

    package init(type: ModelExpression, retries: ModelExpression, headers: [TaskHeader]) {
        self.type = type
        self.retries = retries
        self.headers = headers
    }
}

/// A static value for workers.
package struct TaskHeader: Hashable, Sendable {
    package var key: String
    package var value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// The settings of a user task (`zeebe:assignmentDefinition`, `taskSchedule`, `priorityDefinition`, `formDefinition`).
package struct UserTaskDefinition: Hashable, Sendable {
    package var assignee: ModelExpression?
    package var candidateGroups: ModelExpression?
    package var candidateUsers: ModelExpression?
    package var dueDate: ModelExpression?
    package var followUpDate: ModelExpression?
    package var priority: ModelExpression?
    package var formID: ModelExpression?
    package var externalFormReference: ModelExpression?
    /// In model order; keys are unique.
    package var headers: [TaskHeader]

    package init() {
        self.headers = []
    }
}

/// A FEEL script and where its result goes (`zeebe:script`).
package struct ScriptDefinition: Hashable, Sendable {
    package var expression: ModelExpression
    package var resultVariable: String

    package init(expression: ModelExpression, resultVariable: String) {
        self.expression = expression
        self.resultVariable = resultVariable
    }
}

/// Which version of a process a call activity starts.
package enum BindingType: String, Hashable, Sendable {
    case latest
    case deployment
    case versionTag
}

/// The process that a call activity calls (`zeebe:calledElement`).
package struct CalledElementDefinition: Hashable, Sendable {
    package var processID: ModelExpression
    package var propagateAllChildVariables: Bool
    package var propagateAllParentVariables: Bool
    package var bindingType: BindingType
    package var versionTag: ModelExpression?

    package init(
        processID: ModelExpression,
        propagateAllChildVariables: Bool = true,
        propagateAllParentVariables: Bool = true,
        bindingType: BindingType = .latest,
        versionTag: ModelExpression? = nil
    ) {
        self.processID = processID
        self.propagateAllChildVariables = propagateAllChildVariables
        self.propagateAllParentVariables = propagateAllParentVariables
        self.bindingType = bindingType
        self.versionTag = versionTag
    }
}

/// One flow node (or the process itself), with everything the engine needs to execute it. Elements and flows refer to
/// each other by their position in the model's arrays.
package struct Element: Hashable, Sendable {
    /// The model's id; unique in the file.
    package var id: String
    package var name: String?
    package var kind: ElementKind
    /// Position of the scope that contains it; nil for the process.
    package var parent: Int?
    /// Flows that end here, in file order.
    package var incoming: [Int] = []
    /// Flows that begin here, in file order.
    package var outgoing: [Int] = []
    /// The default flow of a gateway or activity.
    package var defaultFlow: Int?
    /// Elements directly inside, in file order (process and sub-process).
    package var children: [Int] = []
    /// Boundary events attached to this activity, in file order.
    package var boundaryEvents: [Int] = []
    /// The activity a boundary event is attached to.
    package var attachedTo: Int?
    /// Whether a boundary event interrupts its activity.
    package var isInterrupting: Bool = true
    package var event: EventDefinition?
    /// The message of a receive task.
    package var message: MessageDefinition?
    package var job: JobDefinition?
    /// Present on user tasks with the `zeebe:userTask` marker; without it a user task is a job.
    package var userTask: UserTaskDefinition?
    package var script: ScriptDefinition?
    package var calledElement: CalledElementDefinition?
    package var inputMappings: [VariableMapping] = []
    package var outputMappings: [VariableMapping] = []

    package init(id: String, name: String? = nil, kind: ElementKind, parent: Int? = nil) {
        self.id = id
        self.name = name
        self.kind = kind
        self.parent = parent
    }
}

/// A flow from one element to the next.
package struct SequenceFlow: Hashable, Sendable {
    package var id: String
    package var source: Int
    package var target: Int
    package var condition: ModelExpression?

    package init(id: String, source: Int, target: Int, condition: ModelExpression? = nil) {
        self.id = id
        self.source = source
        self.target = target
        self.condition = condition
    }
}
