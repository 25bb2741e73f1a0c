import JSON

/// A search on one of the API's collections: filter, order and page.
struct SearchRequest: Equatable, Sendable {
    /// What a page may hold at most, by the API.
    static let pageLimit = 10_000

    /// The collection's path, such as `/process-instances`.
    let collection: String
    /// The collection's name in sentences, such as "process instances".
    let subject: String
    var filter = JSONFields()
    /// The field to sort by; newest first when descending.
    var sortField: String? = nil
    var isDescending = false

    /// The request for one page of at most `limit` items behind `cursor` (nil: the first page).
    func page(limit: Int, after cursor: String? = nil) -> APIRequest {
        var page = JSONFields()
        page["limit"] = .integer(min(max(limit, 1), Self.pageLimit))
        page["after"] = cursor.map { .string($0) }
        var body = JSONFields()
        if !self.filter.isEmpty { body["filter"] = self.filter.value }
        if let sortField {
            var sort = JSONFields()
            sort["field"] = .string(sortField)
            sort["order"] = .string(self.isDescending ? "DESC" : "ASC")
            body["sort"] = .array([sort.value])
        }
        body["page"] = page.value
        return APIRequest(
            method: .post,
            path: "\(self.collection)/search",
            body: .json(body.value),
            subject: self.subject
        )
    }
}

/// One page of a search's answer.
struct SearchPage: Equatable, Sendable {
    let items: [JSONValue]
    /// How many items match in all, as far as the server counted.
    let totalItems: Int
    /// True when the server stopped counting.
    let hasMoreTotalItems: Bool
    /// The cursor behind the last item; nil when there is none.
    let endCursor: String?

    /// Reads an answer; throws when it has no list of items.
    init(_ answer: JSONValue) throws(ClientFailure) {
        guard let items = answer.member("items")?.arrayValue else {
            throw ClientFailure.refused(
                "Expected a list of items in the server's answer, but got something else; is this a /v2 API?"
            )
        }
        self.items = items
        let page = answer.member("page")
        self.totalItems = page?.member("totalItems")?.integerValue ?? items.count
        self.hasMoreTotalItems = page?.member("hasMoreTotalItems")?.boolValue ?? false
        self.endCursor = page?.member("endCursor")?.stringValue
    }

    /// The cursor to go on with after this page of at most `limit` items, or nil when it was the last one.
    func cursor(afterPageOf limit: Int) -> String? {
        self.items.count < limit ? nil : self.endCursor
    }
}

/// The searches the client offers.
extension SearchRequest {
    static func processInstances(processID: String?, state: String?, hasIncident: Bool? = nil) -> SearchRequest {
        var search = SearchRequest(collection: "/process-instances", subject: "process instances")
        search.filter["processDefinitionId"] = processID.map { .string($0) }
        search.filter["state"] = state.map { .string($0.uppercased()) }
        search.filter["hasIncident"] = hasIncident.map { .bool($0) }
        search.sortField = "startDate"
        search.isDescending = true
        return search
    }

    static func incidents(processID: String?, processInstanceKey: String? = nil, state: String?) -> SearchRequest {
        var search = SearchRequest(collection: "/incidents", subject: "incidents")
        search.filter["processDefinitionId"] = processID.map { .string($0) }
        search.filter["processInstanceKey"] = processInstanceKey.map { .string($0) }
        search.filter["state"] = state.map { .string($0.uppercased()) }
        search.sortField = "creationTime"
        search.isDescending = true
        return search
    }

    static func jobs(type: String?, state: String?, processInstanceKey: String? = nil) -> SearchRequest {
        var search = SearchRequest(collection: "/jobs", subject: "jobs")
        search.filter["type"] = type.map { .string($0) }
        search.filter["state"] = state.map { .string($0.uppercased()) }
        search.filter["processInstanceKey"] = processInstanceKey.map { .string($0) }
        search.sortField = "jobKey"
        search.isDescending = true
        return search
    }

    static func userTasks(assignee: String?, state: String?, processInstanceKey: String? = nil) -> SearchRequest {
        var search = SearchRequest(collection: "/user-tasks", subject: "user tasks")
        search.filter["assignee"] = assignee.map { .string($0) }
        search.filter["state"] = state.map { .string($0.uppercased()) }
        search.filter["processInstanceKey"] = processInstanceKey.map { .string($0) }
        search.sortField = "creationDate"
        search.isDescending = true
        return search
    }

    static func variables(processInstanceKey: String) -> SearchRequest {
        var search = SearchRequest(collection: "/variables", subject: "variables")
        search.filter["processInstanceKey"] = .string(processInstanceKey)
        search.sortField = "name"
        return search
    }

    /// The element instances of one process instance, or only those directly inside `scopeKey`.
    static func elementInstances(processInstanceKey: String, scopeKey: String? = nil) -> SearchRequest {
        var search = SearchRequest(collection: "/element-instances", subject: "element instances")
        search.filter["processInstanceKey"] = .string(processInstanceKey)
        search.filter["elementInstanceScopeKey"] = scopeKey.map { .string($0) }
        search.sortField = "elementInstanceKey"
        return search
    }
}
