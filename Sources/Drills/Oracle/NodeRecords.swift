import JSON

/// Everything a node shows that a drill has to do with, by searches alone.
struct NodeRecords: Hashable, Sendable {
    /// State by key of process instance.
    var instances: [String: String] = [:]
    /// Instances by the id that the load gave them.
    var instancesByID: [String: [String]] = [:]
    /// Completed jobs by instance and element, each with its key.
    var completedJobs: [String: [String: [String]]] = [:]
    /// Completed element instances by instance and element.
    var completedElements: [String: [String: Int]] = [:]
    /// Open incidents by instance.
    var incidents: [String: String] = [:]

    /// Reads all of it from one node.
    /// - Parameter run: what ids of this drill begin with.
    static func read(from address: NodeAddress, run: String) throws -> NodeRecords {
        let reader = SearchReader(address: address)
        var result = NodeRecords()
        for item in try reader.all("variables", filter: ["name": .string("drillId")], sort: "variableKey") {
            let id = (try? JSONParser.parse(Array(item.text("value").utf8)))?.stringValue ?? ""
            guard id.hasPrefix("\(run)-") else { continue }
            result.instancesByID[id, default: []].append(item.text("processInstanceKey"))
        }
        for model in LoadModel.allCases {
            let filter = ["processDefinitionId": JSONValue.string(LoadModels.processID(model))]
            for item in try reader.all("process-instances", filter: filter, sort: "processInstanceKey") {
                result.instances[item.text("processInstanceKey")] = item.text("state")
            }
        }
        let done = ["state": JSONValue.string("COMPLETED")]
        for item in try reader.all("jobs", filter: done, sort: "jobKey") {
            result.completedJobs[item.text("processInstanceKey"), default: [:]][item.text("elementId"), default: []]
                .append(item.text("jobKey"))
        }
        for item in try reader.all("element-instances", filter: done, sort: "elementInstanceKey") {
            let element = item.text("elementId")
            result.completedElements[item.text("processInstanceKey"), default: [:]][element, default: 0] += 1
        }
        for item in try reader.all("incidents", filter: ["state": .string("ACTIVE")], sort: "incidentKey") {
            result.incidents[item.text("processInstanceKey")] = item.text("errorMessage")
        }
        return result
    }
}

/// Reads whole searches, page by page.
struct SearchReader {
    let address: NodeAddress
    /// How long a page is asked for again and again, in seconds.
    var patience = 30.0
    private static let pageLimit = 2_000
    private static let itemLimit = 20_000_000

    /// All items of a search.
    func all(_ kind: String, filter: [String: JSONValue], sort: String) throws -> [JSONValue] {
        let connection = HTTPConnection(self.address, timeoutSeconds: 60)
        var object = JSONObject()
        for (key, value) in filter.sorted(by: { $0.key < $1.key }) { object.set(key, value) }
        var items: [JSONValue] = []
        var cursor = ""
        while items.count < Self.itemLimit {
            var page = JSONObject()
            page.set("limit", .int(Int64(Self.pageLimit)))
            if !cursor.isEmpty { page.set("after", .string(cursor)) }
            let body = JSONValue(members: [
                "filter": .object(object), "sort": .array([JSONValue(members: ["field": .string(sort)])]),
                "page": .object(page),
            ])
            let answer = try self.answer(connection, .post("/v2/\(kind)/search", body))
            let found = answer["items"].arrayValue ?? []
            items += found
            cursor = answer["page"].text("endCursor")
            if found.count < Self.pageLimit || cursor.isEmpty { break }
        }
        return items
    }

    private func answer(_ connection: HTTPConnection, _ request: HTTPRequest) throws -> JSONValue {
        var last = "no answer"
        let answer: JSONValue? = waitFor(seconds: self.patience, every: 0.1) {
            do throws(HTTPFailure) {
                let reply = try connection.send(request)
                if reply.status == 200 { return reply.json }
                last = "\(reply.status) \(reply.text)"
            } catch {
                last = "\(error)"
            }
            return nil
        }
        guard let answer else {
            throw DrillFailure("Expected an answer of \(self.address) to \(request.path), but got: \(last)")
        }
        return answer
    }
}
