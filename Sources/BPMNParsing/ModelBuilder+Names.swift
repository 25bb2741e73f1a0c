import BPMNModel

/// Ids, names and `zeebe` extensions: what all elements have.
extension ModelBuilder {
    /// Extensions that would change what a model does, but are not executed yet.
    private static let refusedExtensions: [String: String] = [
        "adHoc": "an ad-hoc setting of",
        "calledDecision": "a called decision of",
        "conditionalFilter": "a conditional filter of",
        "executionListeners": "execution listeners of",
        "jobPriorityDefinition": "a job priority of",
        "linkedResources": "linked resources of",
        "loopCharacteristics": "a multi-instance setting of",
        "taskListeners": "task listeners of",
        "userTaskForm": "an embedded form of",
    ]

    /// Extensions that are lists; an empty list says nothing.
    private static let listExtensions: Set<String> = ["executionListeners", "linkedResources", "taskListeners"]

    /// The id of an element that the engine refers to.
    mutating func identifier(of node: Int) -> String? {
        guard let id = self.tree.attribute("id", of: node), !id.isEmpty else {
            self.report(
                .missingID,
                at: node,
                "Expected an id on \(quoted(self.tree[node].name)), but got none.",
                advice: "Give the element an id that is unique in the file."
            )
            return nil
        }
        if id.utf8.count > self.limits.idBytes {
            self.report(
                .invalidID,
                at: node,
                "Expected an id of at most \(self.limits.idBytes) bytes, but got \(id.utf8.count).",
                advice: "Shorten the id."
            )
        } else if !Self.isNCName(id) {
            self.report(
                .invalidID,
                at: node,
                "Expected an id of letters, digits, '_', '-' and '.' that begins with a letter or '_', "
                    + "but got \(quoted(id)).",
                advice: "Rename the id."
            )
        }
        return id
    }

    mutating func name(of node: Int) -> String? {
        guard let name = self.tree.attribute("name", of: node) else { return nil }
        if name.utf8.count > self.limits.nameBytes {
            self.report(
                .nameTooLong,
                at: node,
                "Expected a name of at most \(self.limits.nameBytes) bytes, but got \(name.utf8.count).",
                advice: "Shorten the name; long text belongs into the documentation."
            )
        }
        return name
    }

    /// A reference to an element of the file, without the prefix that an `xsd:QName` may have.
    func reference(_ name: String, of node: Int) -> String? {
        guard let text = self.tree.attribute(name, of: node), !text.isEmpty else { return nil }
        return text.split(separator: ":").last.map(String.init) ?? text
    }

    /// The `zeebe` extensions of an element by name. Unknown ones are left alone: newer tools may write them.
    mutating func readExtensions(of node: Int) -> [String: Int] {
        var extensions: [String: Int] = [:]
        for holder in self.tree.children(of: node, .bpmn, "extensionElements") {
            for child in self.tree[holder].children where self.tree[child].namespace == .zeebe {
                let name = self.tree[child].name
                if let words = Self.refusedExtensions[name] {
                    if !Self.listExtensions.contains(name) || !self.tree[child].children.isEmpty {
                        self.reportUnsupported(words, at: child)
                    }
                } else if extensions[name] != nil {
                    self.report(
                        .duplicateExtension,
                        at: child,
                        "Expected one extension \(quoted("zeebe:" + name)), but got another.",
                        advice: "Remove one of the two."
                    )
                }
                extensions[name] = extensions[name] ?? child
            }
        }
        return extensions
    }

    /// XML's rule for ids, by the classes of Unicode instead of XML's own tables.
    private static func isNCName(_ text: String) -> Bool {
        var isFirst = true
        for scalar in text.unicodeScalars {
            let isLetter = scalar == "_" || scalar.properties.isAlphabetic
            let isOther = scalar == "-" || scalar == "." || scalar.properties.numericType != nil
            guard isLetter || (!isFirst && isOther) else { return false }
            isFirst = false
        }
        return !isFirst
    }

    /// Whether text can stand as a variable's name in an expression: a word, but not one of the language's own.
    static func isVariableName(_ text: Substring) -> Bool {
        let reserved: Set<Substring> = [
            "and", "between", "else", "every", "false", "for", "function", "if", "in", "instance", "not", "null", "of",
            "or", "return", "satisfies", "some", "then", "true",
        ]
        var isFirst = true
        for scalar in text.unicodeScalars {
            let isLetter = scalar == "_" || scalar.properties.isAlphabetic
            guard isLetter || (!isFirst && scalar.properties.numericType != nil) else { return false }
            isFirst = false
        }
        return !isFirst && !reserved.contains(text)
    }
}
