/// A place in a file, both counted from 1.
struct XMLPosition: Hashable {
    var line: Int
    var column: Int
}

/// The namespaces a model is read from; elements of all others are skipped with everything inside.
enum XMLNamespace {
    case bpmn
    case zeebe

    init?(uri: Substring) {
        switch uri {
        case "http://www.omg.org/spec/BPMN/20100524/MODEL": self = .bpmn
        case "http://camunda.org/schema/zeebe/1.0": self = .zeebe
        default: return nil
        }
    }
}

struct XMLAttribute {
    var name: String
    var value: String
}

struct XMLNode {
    var namespace: XMLNamespace
    /// Without its prefix.
    var name: String
    /// Those without a namespace, in file order.
    var attributes: [XMLAttribute]
    var position: XMLPosition
    var parent: Int?
    var children: [Int] = []
    /// Collected only inside the elements named in `XMLTreeBuilder.textElements`.
    var text = ""
    var textPosition: XMLPosition?
}

/// The kept elements of a file; the root is node 0 and parents stand before their children.
struct XMLTree {
    var nodes: [XMLNode] = []

    subscript(node: Int) -> XMLNode { self.nodes[node] }

    func attribute(_ name: String, of node: Int) -> String? {
        self.nodes[node].attributes.first { $0.name == name }?.value
    }

    /// Children of a namespace with a name, in file order.
    func children(of node: Int, _ namespace: XMLNamespace, _ name: String) -> [Int] {
        self.nodes[node].children.filter { self.nodes[$0].namespace == namespace && self.nodes[$0].name == name }
    }

    /// The id of the element, or else of the nearest element around it that has one.
    func nearestID(of node: Int) -> String? {
        var current: Int? = node
        while let candidate = current {
            if let id = self.attribute("id", of: candidate) { return id }
            current = self.nodes[candidate].parent
        }
        return nil
    }
}

/// Why a file could not be read as XML. Reading stops at the first one.
struct XMLFailure: Error {
    var rule: ValidationRule
    var position: XMLPosition
    var message: String
    var advice: String
}

/// Collects the tree from the events of an XML reader and enforces the limits.
struct XMLTreeBuilder {
    /// The only elements whose text a model needs.
    static let textElements: Set<String> = ["conditionExpression", "timeCycle", "timeDate", "timeDuration"]

    let limits: BPMNLimits
    private(set) var tree = XMLTree()
    private(set) var failure: XMLFailure?
    private var elementCount = 0
    private var openNodes: [Int] = []
    /// How many elements are open inside a skipped one, itself included.
    private var skippedDepth = 0

    init(limits: BPMNLimits) {
        self.limits = limits
    }

    mutating func fail(_ rule: ValidationRule, at position: XMLPosition, _ message: String, advice: String) {
        if self.failure == nil {
            self.failure = XMLFailure(rule: rule, position: position, message: message, advice: advice)
        }
    }

    /// An element begins.
    /// - Parameters:
    ///   - qualifiedName: namespace URI, a line feed, local name; or the local name alone.
    ///   - attributes: read only when the element is kept; nil when one exceeds the limits.
    mutating func open(_ qualifiedName: String, at position: XMLPosition, attributes: () -> [XMLAttribute]?) {
        guard self.failure == nil, self.admitsElement(at: position) else { return }
        if self.skippedDepth > 0 {
            self.skippedDepth += 1
            return
        }
        let parts = qualifiedName.split(separator: "\n", maxSplits: 1)
        let namespace = parts.count == 2 ? XMLNamespace(uri: parts[0]) : nil
        let name = String(parts.last ?? "")
        if self.openNodes.isEmpty, namespace != .bpmn || name != "definitions" {
            self.fail(
                .notBPMN,
                at: position,
                "Expected a BPMN 2.0 'definitions' element as root, but got \(quoted(name)).",
                advice: "Save the model as BPMN 2.0 XML."
            )
            return
        }
        guard let namespace else {
            self.skippedDepth = 1
            return
        }
        guard let attributes = attributes() else {
            self.failOnAttributes(of: name, at: position)
            return
        }
        self.append(
            XMLNode(
                namespace: namespace,
                name: name,
                attributes: attributes,
                position: position,
                parent: self.openNodes.last
            )
        )
    }

    mutating func close() {
        if self.skippedDepth > 0 {
            self.skippedDepth -= 1
        } else {
            _ = self.openNodes.popLast()
        }
    }

    /// Whether text at the current place is of any use; spares its copy where it is not.
    var wantsText: Bool {
        guard self.failure == nil, self.skippedDepth == 0, let node = self.openNodes.last else { return false }
        return Self.textElements.contains(self.tree.nodes[node].name)
    }

    mutating func add(text: String, at position: XMLPosition) {
        guard self.wantsText, let node = self.openNodes.last else { return }
        if self.tree.nodes[node].text.utf8.count + text.utf8.count > self.limits.valueBytes {
            self.fail(
                .xmlValueTooLong,
                at: position,
                "Expected at most \(self.limits.valueBytes) bytes of text in an element, but got more.",
                advice: "Shorten the expression."
            )
            return
        }
        self.tree.nodes[node].text += text
        if self.tree.nodes[node].textPosition == nil {
            self.tree.nodes[node].textPosition = position
        }
    }

    private mutating func append(_ node: XMLNode) {
        let index = self.tree.nodes.count
        self.tree.nodes.append(node)
        if let parent = node.parent {
            self.tree.nodes[parent].children.append(index)
        }
        self.openNodes.append(index)
    }

    private mutating func admitsElement(at position: XMLPosition) -> Bool {
        self.elementCount += 1
        if self.elementCount > self.limits.xmlElementCount {
            self.fail(
                .xmlTooManyElements,
                at: position,
                "Expected at most \(self.limits.xmlElementCount) XML elements, but got more.",
                advice: "Split the model into several files."
            )
            return false
        }
        if self.openNodes.count + self.skippedDepth >= self.limits.xmlDepth {
            self.fail(
                .xmlTooDeep,
                at: position,
                "Expected XML elements nested at most \(self.limits.xmlDepth) deep, but got more.",
                advice: "Call other processes instead of nesting."
            )
            return false
        }
        return true
    }

    private mutating func failOnAttributes(of name: String, at position: XMLPosition) {
        self.fail(
            .xmlTooManyAttributes,
            at: position,
            "Expected at most \(self.limits.attributeCount) attributes of at most \(self.limits.valueBytes) bytes "
                + "each, but got more in \(quoted(name)).",
            advice: "Move long content out of the model."
        )
    }
}
