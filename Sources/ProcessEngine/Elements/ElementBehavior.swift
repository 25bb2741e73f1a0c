import BPMNModel

/// What a kind of element does when it is activated. Everything else (mappings, boundary events, leaving) is the same
/// for all kinds. To add a kind: one file with its behaviour, one row in the table.
protocol ElementBehavior: Sendable {
    /// Called after the input mappings. Evaluates first, then emits: a thrown `StepFailure` leaves nothing half done.
    func activate(_ active: ActiveElement, chain: [Key], in execution: Execution) throws
}

enum ElementBehaviors {
    /// One row per kind.
    static func behavior(of kind: ElementKind) -> any ElementBehavior {
        switch kind {
        case .process, .subProcess: ScopeBehavior()
        case .startEvent, .task, .manualTask: PassThroughBehavior()
        case .endEvent: EndEventBehavior()
        case .intermediateThrowEvent: ThrowEventBehavior()
        case .intermediateCatchEvent, .receiveTask: CatchBehavior()
        case .boundaryEvent: PassThroughBehavior()
        case .serviceTask, .sendTask, .businessRuleTask: JobTaskBehavior()
        case .userTask: UserTaskBehavior()
        case .scriptTask: ScriptTaskBehavior()
        case .callActivity: CallActivityBehavior()
        case .exclusiveGateway: ExclusiveGatewayBehavior()
        case .parallelGateway: ParallelGatewayBehavior()
        case .eventBasedGateway: EventBasedGatewayBehavior()
        }
    }
}
