import BPMNModel

/// Turns the XML tree into process models and collects everything that is wrong with it. Where something is refused,
/// building goes on with what is left, so that one run names every fault; its result counts only without findings.
struct ModelBuilder {
    let tree: XMLTree
    let resourceName: String
    let limits: BPMNLimits
    var findings: FindingCollector
    /// The XML nodes of `message` and `error` by id.
    private(set) var messageNodes: [String: Int] = [:]
    private(set) var errorNodes: [String: Int] = [:]
    /// What was read of a message or error already, so that its faults are reported once.
    var readMessages: [Int: MessageDefinition?] = [:]
    var readErrors: [Int: ErrorDefinition?] = [:]
    var draft = ProcessDraft()
    private var elementCount = 0
    private var flowCount = 0

    init(tree: XMLTree, resourceName: String, limits: BPMNLimits) {
        self.tree = tree
        self.resourceName = resourceName
        self.limits = limits
        self.findings = FindingCollector(limit: limits.findingCount)
    }

    mutating func build() -> [ProcessModel] {
        self.checkDuplicateIDs()
        var processNodes: [Int] = []
        for node in self.tree[0].children where self.tree[node].namespace == .bpmn {
            let id = self.tree.attribute("id", of: node)
            switch self.tree[node].name {
            case "message":
                if let id { self.messageNodes[id] = node }
            case "error":
                if let id { self.errorNodes[id] = node }
            case "process":
                if self.flag("isExecutable", of: node, default: false) { processNodes.append(node) }
            default:
                break
            }
        }
        if processNodes.isEmpty {
            self.report(
                .noExecutableProcess,
                at: 0,
                "Expected at least one executable process, but got none.",
                advice: "Set isExecutable=\"true\" on the process."
            )
        }
        var models: [ProcessModel] = []
        for node in processNodes {
            self.draft = ProcessDraft()
            self.readProcess(node)
            self.linkFlows()
            self.attachBoundaryEvents()
            self.checkStructure()
            models.append(
                ProcessModel(
                    elements: self.draft.elements,
                    flows: self.draft.flows,
                    versionTag: self.draft.versionTag
                )
            )
        }
        return models
    }

    /// Reports something at an XML node.
    /// - Parameter position: a more exact place than the beginning of the node.
    mutating func report(
        _ rule: ValidationRule,
        at node: Int,
        position: XMLPosition? = nil,
        _ message: String,
        advice: String
    ) {
        let position = position ?? self.tree[node].position
        self.findings.add(
            ValidationFinding(
                resourceName: self.resourceName,
                line: position.line,
                column: position.column,
                elementID: self.tree.nearestID(of: node),
                rule: rule,
                message: message,
                advice: advice
            )
        )
    }

    mutating func reportUnsupported(_ what: String, at node: Int) {
        let id = self.tree.nearestID(of: node).map { " \(quoted($0))" } ?? ""
        self.report(
            .unsupportedElement,
            at: node,
            "Expected only supported elements, but got \(what)\(id), which is not supported yet by this version.",
            advice: "Remove it or model it in another way."
        )
    }

    /// An `xsd:boolean` attribute.
    mutating func flag(_ name: String, of node: Int, default fallback: Bool) -> Bool {
        switch self.tree.attribute(name, of: node) {
        case nil: return fallback
        case "true", "1": return true
        case "false", "0": return false
        case .some(let text):
            self.report(
                .invalidBoolean,
                at: node,
                "Expected 'true' or 'false' in '\(name)', but got \(quoted(text)).",
                advice: "Correct the attribute."
            )
            return fallback
        }
    }

    /// Counts one more flow node against the limit of the file.
    mutating func admitsElement(at node: Int) -> Bool {
        self.elementCount += 1
        if self.elementCount == self.limits.elementCount + 1 {
            self.report(
                .modelTooLarge,
                at: node,
                "Expected at most \(self.limits.elementCount) flow nodes in a file, but got more.",
                advice: "Split the model into several files."
            )
        }
        return self.elementCount <= self.limits.elementCount
    }

    /// Counts one more sequence flow against the limit of the file.
    mutating func admitsFlow(at node: Int) -> Bool {
        self.flowCount += 1
        if self.flowCount == self.limits.flowCount + 1 {
            self.report(
                .modelTooLarge,
                at: node,
                "Expected at most \(self.limits.flowCount) sequence flows in a file, but got more.",
                advice: "Split the model into several files."
            )
        }
        return self.flowCount <= self.limits.flowCount
    }

    private mutating func checkDuplicateIDs() {
        var firstLines: [String: Int] = [:]
        for (node, content) in self.tree.nodes.enumerated() where content.namespace == .bpmn {
            guard let id = self.tree.attribute("id", of: node) else { continue }
            if let line = firstLines[id] {
                self.report(
                    .duplicateID,
                    at: node,
                    "Expected an id that is used once, but got \(quoted(id)) again (first in line \(line)).",
                    advice: "Give one of the two elements another id."
                )
            } else {
                firstLines[id] = content.position.line
            }
        }
    }
}

/// One process while it is being read.
struct ProcessDraft {
    var elements: [Element] = []
    /// The XML node of each element.
    var elementNodes: [Int] = []
    var flows: [SequenceFlow] = []
    /// The XML node of each flow.
    var flowNodes: [Int] = []
    var elementIndexByID: [String: Int] = [:]
    var versionTag: String?
    /// XML nodes of the sequence flows, to be linked when all elements are known.
    var unlinkedFlows: [Int] = []
    /// Ids of elements that were refused, so that what refers to them is not reported as well.
    var refusedIDs: Set<String> = []
    /// Elements of which a part was refused; rules that count or compare leave them alone.
    var incompleteElements: Set<Int> = []
    /// Conditions as they stand in the file, by flow.
    var conditionNodes: [Int: Int] = [:]
}
