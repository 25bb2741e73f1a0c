import JSON

/// Asks the server, through its searches, what became of the instances.
struct Verification {
    private static let pageSize = 5_000

    let client: SequentialClient

    /// The number of instances of a definition in a state, counted row by row.
    func keys(definitionKey: String, state: String) throws -> [Int64] {
        var keys: [Int64] = []
        var cursor: String?
        while true {
            try Interruption.check()
            let page = try self.page(definitionKey: definitionKey, state: state, limit: Self.pageSize, after: cursor)
            for item in page["items"]?.arrayValue ?? [] {
                guard let key = item.objectValue?["processInstanceKey"]?.stringValue.flatMap({ Int64($0) }) else {
                    throw BenchError("Expected a key in each item of a search, but got \(item)")
                }
                keys.append(key)
            }
            let count = page["items"]?.arrayValue?.count ?? 0
            cursor = page["page"]?.objectValue?["endCursor"]?.stringValue
            guard count == Self.pageSize, cursor != nil else { return keys }
        }
    }

    /// Checks that of all instances of a definition exactly those with these keys exist, and that all are completed.
    /// - Throws: what is missing, unfinished or too much.
    func requireCompleted(_ expected: [Int64], definitionKey: String) throws {
        Progress.line("  checking that \(expected.count) instances are completed and none is lost")
        let active = try self.keys(definitionKey: definitionKey, state: "ACTIVE")
        guard active.isEmpty else {
            throw BenchError("Expected no active instance, but found \(active.count), first \(active[0])")
        }
        let completed = try self.keys(definitionKey: definitionKey, state: "COMPLETED").sorted()
        let wanted = expected.sorted()
        guard completed != wanted else { return }
        let missing = Set(wanted).subtracting(completed)
        let surplus = Set(completed).subtracting(wanted)
        throw BenchError(
            "Expected \(wanted.count) completed instances, but found \(completed.count): "
                + "\(missing.count) are missing, \(surplus.count) are unknown"
        )
    }

    private func page(definitionKey: String, state: String, limit: Int, after: String?) throws -> JSONObject {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("filter")
        writer.beginObject()
        writer.member("processDefinitionKey", definitionKey)
        writer.member("state", state)
        writer.endObject()
        writer.key("sort")
        writer.beginArray()
        writer.beginObject()
        writer.member("field", "processInstanceKey")
        writer.endObject()
        writer.endArray()
        writer.key("page")
        writer.beginObject()
        writer.member("limit", limit)
        if let after { writer.member("after", after) }
        writer.endObject()
        writer.endObject()
        let answer = try self.client.json(self.client.requests.post("/v2/process-instances/search", writer.bytes))
        guard let object = answer.objectValue else { throw BenchError("Expected a page, but got \(answer.kindName)") }
        return object
    }
}
