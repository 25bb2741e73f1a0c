/// One executable process of a model file, checked and ready to run.
package struct ProcessModel: Hashable, Sendable {
    /// The process itself is element 0; a scope stands before what it contains.
    package let elements: [Element]
    package let flows: [SequenceFlow]
    package let versionTag: String?
    private let elementIndexByID: [String: Int]

    /// - Precondition: `elements` begins with the process and has unique ids.
    package init(elements: [Element], flows: [SequenceFlow], versionTag: String?) {
        precondition(elements.first?.kind == .process, "a process model begins with its process element")
        self.elements = elements
        self.flows = flows
        self.versionTag = versionTag
        self.elementIndexByID = Dictionary(
            elements.enumerated().map { ($0.element.id, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The BPMN process id.
    package var id: String { elements[0].id }
    package var name: String? { elements[0].name }

    /// The position of the element with this id.
    package func index(of elementID: String) -> Int? { elementIndexByID[elementID] }

    /// The none start event directly inside a scope, if there is one.
    package func noneStartEvent(of scope: Int) -> Int? {
        elements[scope].children.first { elements[$0].kind == .startEvent && elements[$0].event == nil }
    }
}
