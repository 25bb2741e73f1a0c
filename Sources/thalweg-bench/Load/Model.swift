import JSON

/// A process with one service task, and its copies under other names.
struct Model {
    let processID: String
    let jobType: String
    let text: String

    /// Reads the file. It must hold exactly what is looked for here: the id of its one process and the type of its one
    /// task definition.
    init(path: String) throws {
        self.text = String(decoding: try Files.read(path), as: UTF8.self)
        guard let processID = Self.attribute("id", of: "process", in: self.text),
            let jobType = Self.attribute("type", of: "taskDefinition", in: self.text)
        else {
            throw BenchError("Expected a process with a service task in '\(path)', but found none")
        }
        self.processID = processID
        self.jobType = jobType
    }

    private init(processID: String, jobType: String, text: String) {
        self.processID = processID
        self.jobType = jobType
        self.text = text
    }

    /// The same shape as another process with another type of job.
    func copy(named suffix: String) -> Model {
        let text = self.text
            .replacing("\"\(self.processID)\"", with: "\"\(self.processID)-\(suffix)\"")
            .replacing("type=\"\(self.jobType)\"", with: "type=\"\(self.jobType)-\(suffix)\"")
        return Model(processID: "\(self.processID)-\(suffix)", jobType: "\(self.jobType)-\(suffix)", text: text)
    }

    /// The value of an attribute in the first start tag with this local name.
    private static func attribute(_ name: String, of element: String, in text: String) -> String? {
        for tag in text.split(separator: "<") {
            let words = tag.prefix { $0 != ">" }.split(whereSeparator: \.isWhitespace)
            guard let tagName = words.first, tagName == element || tagName.hasSuffix(":" + element) else { continue }
            for word in words.dropFirst() where word.hasPrefix(name + "=\"") {
                return String(word.dropFirst(name.count + 2).prefix { $0 != "\"" })
            }
        }
        return nil
    }

    /// Deploys the model and returns the key of the definition.
    func deploy(_ client: SequentialClient) throws -> String {
        let request = client.requests.deployment(fileName: self.processID + ".bpmn", model: Array(self.text.utf8))
        let answer = try client.json(request)
        let deployment = answer.objectValue?["deployments"]?.arrayValue?.first?.objectValue
        let definition = deployment?["processDefinition"]?.objectValue
        guard let key = definition?["processDefinitionKey"]?.stringValue,
            definition?["processDefinitionId"]?.stringValue == self.processID
        else { throw BenchError("Expected a deployed process '\(self.processID)', but got \(answer)") }
        return key
    }

    /// The body that creates one instance.
    var creationBody: String { "{\"processDefinitionId\":\"\(self.processID)\"}" }
}
