import ProcessEngine

/// What waits to be executed. What was woken up and what the leader itself was told come first; then what is due by
/// time and what clients sent take turns, so that neither keeps the other out.
struct CommandQueue {
    enum Item {
        case client(SubmittedRequest)
        case scheduled(InternalCommand)
    }

    private var urgent = HeadedList<Item>()
    private var due = HeadedList<InternalCommand>()
    private var waiting = HeadedList<SubmittedRequest>()
    private var isDueNext = true

    var isEmpty: Bool { urgent.isEmpty && due.isEmpty && waiting.isEmpty }
    var clientCount: Int { waiting.count }
    var urgentCount: Int { urgent.count }
    var hasDue: Bool { !due.isEmpty }

    mutating func append(_ request: SubmittedRequest) { waiting.append(request) }
    mutating func appendUrgent(_ item: Item) { urgent.append(item) }
    mutating func appendDue(_ command: InternalCommand) { due.append(command) }

    /// Puts an item that was taken out before all others.
    mutating func putBack(_ item: Item) { urgent.prepend(item) }

    mutating func next() -> Item? {
        if let item = urgent.next() { return item }
        let takesDue = !due.isEmpty && (isDueNext || waiting.isEmpty)
        isDueNext = !takesDue
        if takesDue { return due.next().map { .scheduled($0) } }
        return waiting.next().map { .client($0) }
    }

    /// Takes a client's request out.
    mutating func remove(_ id: RequestID) -> SubmittedRequest? {
        if let request = waiting.removeFirst(where: { $0.request.id == id }) { return request }
        let item = urgent.removeFirst { if case .client(let request) = $0 { request.request.id == id } else { false } }
        if case .client(let request) = item { return request }
        return nil
    }

    /// Takes all client commands out, and what is due, which is asked for again.
    mutating func removeAllClients() -> [SubmittedRequest] {
        var clients = waiting.removeAll()
        _ = due.removeAll()
        for item in urgent.removeAll() {
            switch item {
            case .client(let request): clients.append(request)
            case .scheduled: urgent.append(item)
            }
        }
        return clients
    }
}

/// A list that is taken from at its head.
private struct HeadedList<Item> {
    private var items: [Item] = []
    private var head = 0

    var isEmpty: Bool { head == items.count }
    var count: Int { items.count - head }

    mutating func append(_ item: Item) { items.append(item) }

    mutating func prepend(_ item: Item) {
        if head > 0 {
            head -= 1
            items[head] = item
        } else {
            items.insert(item, at: 0)
        }
    }

    mutating func next() -> Item? {
        guard head < items.count else { return nil }
        let item = items[head]
        head += 1
        if head == items.count {
            items.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1_024, head > items.count / 2 {
            items.removeFirst(head)
            head = 0
        }
        return item
    }

    mutating func removeFirst(where isWanted: (Item) -> Bool) -> Item? {
        items[head...].firstIndex(where: isWanted).map { items.remove(at: $0) }
    }

    mutating func removeAll() -> [Item] {
        defer {
            items.removeAll(keepingCapacity: true)
            head = 0
        }
        return Array(items[head...])
    }
}

/// Activations that found no job and wait for one, oldest first for each type.
struct ParkedActivations {
    private struct Entry {
        var request: SubmittedRequest
        var until: Int64
    }

    private var entries: [String: [Entry]] = [:]
    private(set) var count = 0

    mutating func park(_ request: SubmittedRequest, type: String, until: Int64) {
        entries[type, default: []].append(Entry(request: request, until: until))
        count += 1
    }

    /// Takes out the one that has waited longest for a job of this type and tenant.
    mutating func wake(_ type: String, tenantID: String) -> SubmittedRequest? {
        guard var list = entries[type],
            let position = list.firstIndex(where: { entry in
                if case .activateJobs(let command) = entry.request.request.command {
                    command.tenantIDs.contains(tenantID)
                } else {
                    false
                }
            })
        else { return nil }
        // Taken out before the list is changed, so that it is not copied.
        entries[type] = nil
        let found = list.remove(at: position)
        if !list.isEmpty { entries[type] = list }
        count -= 1
        return found.request
    }

    /// Takes out those whose time is over, in the order of their ids.
    mutating func expire(now: Int64) -> [RequestID] { removeAll { $0.until <= now } }

    mutating func remove(_ id: RequestID) { _ = removeAll { $0.request.request.id == id } }

    mutating func removeAll() -> [RequestID] { removeAll { _ in true } }

    private mutating func removeAll(where isLeaving: (Entry) -> Bool) -> [RequestID] {
        var gone: [RequestID] = []
        for (type, list) in entries {
            let kept = list.filter { !isLeaving($0) }
            guard kept.count != list.count else { continue }
            gone += list.filter(isLeaving).map { $0.request.request.id }
            entries[type] = kept.isEmpty ? nil : kept
        }
        count -= gone.count
        return gone.sorted { $0.text < $1.text }
    }

    var nextDeadline: Int64? { entries.values.lazy.compactMap { $0.map(\.until).min() }.min() }
}
