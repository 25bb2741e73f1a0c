import BPMNModel

/// Reading of a process and its scopes. Nesting is walked with an explicit stack: its depth belongs to the file's
/// author.
extension ModelBuilder {
    private struct OpenScope {
        var element: Int
        var node: Int
        var nextChild = 0
    }

    /// Elements that only tell people something, and parts of flow nodes that have no meaning at run time.
    static let ignoredElements: Set<String> = [
        "association", "auditing", "category", "correlationSubscription", "dataInputAssociation", "dataObject",
        "dataObjectReference", "dataOutputAssociation", "dataStoreReference", "documentation", "extensionElements",
        "group", "humanPerformer", "incoming", "ioSpecification", "laneSet", "monitoring", "outgoing", "performer",
        "potentialOwner", "property", "resourceRole", "supportedInterfaceRef", "textAnnotation",
    ]

    /// Known elements that are refused, with the words a finding uses for them.
    static let refusedElements: [String: String] = [
        "adHocSubProcess": "an ad-hoc sub-process",
        "callChoreography": "a choreography",
        "choreographyTask": "a choreography",
        "complexGateway": "a complex gateway",
        "inclusiveGateway": "an inclusive gateway",
        "multiInstanceLoopCharacteristics": "a multi-instance marker",
        "standardLoopCharacteristics": "a standard loop marker",
        "subChoreography": "a choreography",
        "transaction": "a transaction sub-process",
    ]

    mutating func readProcess(_ node: Int) {
        var process = Element(id: "", kind: .process)
        process.id = self.identifier(of: node) ?? ""
        process.name = self.name(of: node)
        let extensions = self.readExtensions(of: node)
        if let tag = extensions["versionTag"] {
            self.draft.versionTag = self.readVersionTag(tag)
        }
        self.append(process, node: node)

        var scopes = [OpenScope(element: 0, node: node)]
        while var scope = scopes.popLast() {
            let children = self.tree[scope.node].children
            guard scope.nextChild < children.count else { continue }
            let child = children[scope.nextChild]
            scope.nextChild += 1
            scopes.append(scope)
            guard let element = self.readChild(child, of: scope.element) else { continue }
            if self.draft.elements[element].kind == .subProcess {
                if scopes.count < self.limits.scopeDepth {
                    scopes.append(OpenScope(element: element, node: child))
                } else {
                    self.reportScopeDepth(at: child)
                }
            }
        }
    }

    /// - Returns: the element that was added, if the child is a flow node.
    private mutating func readChild(_ node: Int, of scope: Int) -> Int? {
        let name = self.tree[node].name
        guard self.tree[node].namespace == .bpmn, !Self.ignoredElements.contains(name) else { return nil }
        if name == "sequenceFlow" {
            self.draft.unlinkedFlows.append(node)
            return nil
        }
        // Markers of a sub-process are its own parts; they were read with it.
        if name.hasSuffix("LoopCharacteristics") { return nil }
        if let row = Self.elementTable[name] {
            return self.readElement(node, row: row, scope: scope)
        }
        self.refuse(node, scope: scope, as: Self.refusedElements[name] ?? "the element \(quoted(name))")
        return nil
    }

    private mutating func readElement(_ node: Int, row: ElementRow, scope: Int) -> Int? {
        guard self.admitsElement(at: node) else {
            self.tree.attribute("id", of: node).map { _ = self.draft.refusedIDs.insert($0) }
            return nil
        }
        if row.kind == .subProcess, self.flag("triggeredByEvent", of: node, default: false) {
            self.refuse(node, scope: scope, as: "an event sub-process")
            return nil
        }
        guard let id = self.identifier(of: node) else {
            self.draft.incompleteElements.insert(scope)
            return nil
        }
        var element = Element(id: id, kind: row.kind, parent: scope)
        element.name = self.name(of: node)
        var context = ElementContext(node: node, element: element, extensions: self.readExtensions(of: node))
        self.refuseMarkers(of: &context)
        self.readMappings(of: &context)
        row.read(&self, &context)
        let index = self.append(context.element, node: node)
        self.draft.elements[scope].children.append(index)
        if context.isIncomplete {
            self.draft.incompleteElements.insert(index)
        }
        return index
    }

    @discardableResult
    private mutating func append(_ element: Element, node: Int) -> Int {
        let index = self.draft.elements.count
        self.draft.elements.append(element)
        self.draft.elementNodes.append(node)
        if self.draft.elementIndexByID[element.id] == nil {
            self.draft.elementIndexByID[element.id] = index
        }
        return index
    }

    private mutating func refuse(_ node: Int, scope: Int, as words: String) {
        self.reportUnsupported(words, at: node)
        self.draft.incompleteElements.insert(scope)
        if let id = self.tree.attribute("id", of: node) {
            self.draft.refusedIDs.insert(id)
        }
    }

    private mutating func refuseMarkers(of context: inout ElementContext) {
        for child in self.tree[context.node].children where self.tree[child].namespace == .bpmn {
            if self.tree[child].name.hasSuffix("LoopCharacteristics") {
                let words = Self.refusedElements[self.tree[child].name] ?? "a loop marker"
                self.reportUnsupported("\(words) on", at: child)
            }
        }
        if self.flag("isForCompensation", of: context.node, default: false) {
            self.reportUnsupported("a compensation handler", at: context.node)
        }
    }

    private mutating func reportScopeDepth(at node: Int) {
        self.report(
            .modelTooLarge,
            at: node,
            "Expected sub-processes nested at most \(self.limits.scopeDepth) deep, but got more.",
            advice: "Use a call activity."
        )
    }

    private mutating func readVersionTag(_ node: Int) -> String? {
        guard let value = self.tree.attribute("value", of: node), !value.isEmpty else {
            self.report(
                .versionTag,
                at: node,
                "Expected a version tag with a value, but got none.",
                advice: "Fill in the value or remove the tag."
            )
            return nil
        }
        return value
    }
}

/// One flow node while it is being read.
struct ElementContext {
    let node: Int
    var element: Element
    /// The XML nodes of its `zeebe` extensions by name.
    var extensions: [String: Int]
    /// Set when a part was refused, so that no rule complains about the gap.
    var isIncomplete = false
}
