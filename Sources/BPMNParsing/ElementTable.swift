import BPMNModel

/// How one BPMN element becomes an element of the model.
struct ElementRow: Sendable {
    let kind: ElementKind
    /// Fills in what the kind needs; id, name, scope and mappings are there already.
    let read: @Sendable (inout ModelBuilder, inout ElementContext) -> Void

    init(_ kind: ElementKind, _ read: @escaping @Sendable (inout ModelBuilder, inout ElementContext) -> Void) {
        self.kind = kind
        self.read = read
    }
}

extension ModelBuilder {
    /// The supported flow nodes by their BPMN name. A new one is a row here and its function.
    static let elementTable: [String: ElementRow] = [
        "boundaryEvent": ElementRow(.boundaryEvent) { $0.readBoundaryEvent(&$1) },
        "businessRuleTask": ElementRow(.businessRuleTask) { $0.readJobTask(&$1) },
        "callActivity": ElementRow(.callActivity) { $0.readCallActivity(&$1) },
        "endEvent": ElementRow(.endEvent) { $0.readEndEvent(&$1) },
        "eventBasedGateway": ElementRow(.eventBasedGateway) { $0.refuseInstantiation(of: &$1) },
        "exclusiveGateway": ElementRow(.exclusiveGateway) { _, _ in },
        "intermediateCatchEvent": ElementRow(.intermediateCatchEvent) { $0.readIntermediateCatchEvent(&$1) },
        "intermediateThrowEvent": ElementRow(.intermediateThrowEvent) { $0.readIntermediateThrowEvent(&$1) },
        "manualTask": ElementRow(.manualTask) { _, _ in },
        "parallelGateway": ElementRow(.parallelGateway) { _, _ in },
        "receiveTask": ElementRow(.receiveTask) { $0.readReceiveTask(&$1) },
        "scriptTask": ElementRow(.scriptTask) { $0.readScriptTask(&$1) },
        "sendTask": ElementRow(.sendTask) { $0.readJobTask(&$1) },
        "serviceTask": ElementRow(.serviceTask) { $0.readJobTask(&$1) },
        "startEvent": ElementRow(.startEvent) { $0.readStartEvent(&$1) },
        "subProcess": ElementRow(.subProcess) { _, _ in },
        "task": ElementRow(.task) { _, _ in },
        "userTask": ElementRow(.userTask) { $0.readUserTask(&$1) },
    ]
}
