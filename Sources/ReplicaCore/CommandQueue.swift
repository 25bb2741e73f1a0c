import ProcessEngine

/// Commands in the order they are to be executed: what was woken up and what the leader itself wants come first.
struct CommandQueue {
    enum Item {
        case client(SubmittedRequest)
        case scheduled(InternalCommand)
    }

    private var urgent: [Item] = []
    private var urgentHead = 0
    private var waiting: [SubmittedRequest] = []
    private var waitingHead = 0

    var isEmpty: Bool { urgentHead == urgent.count && waitingHead == waiting.count }
    var clientCount: Int { waiting.count - waitingHead }

    mutating func append(_ request: SubmittedRequest) { waiting.append(request) }
    mutating func appendUrgent(_ item: Item) { urgent.append(item) }

    mutating func next() -> Item? {
        if urgentHead < urgent.count {
            let item = urgent[urgentHead]
            urgentHead += 1
            if urgentHead == urgent.count {
                urgent.removeAll(keepingCapacity: true)
                urgentHead = 0
            }
            return item
        }
        guard waitingHead < waiting.count else { return nil }
        let item = waiting[waitingHead]
        waitingHead += 1
        if waitingHead == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            waitingHead = 0
        } else if waitingHead > 1_024 {
            waiting.removeFirst(waitingHead)
            waitingHead = 0
        }
        return .client(item)
    }

    mutating func remove(_ id: RequestID) {
        if let position = waiting[waitingHead...].firstIndex(where: { $0.request.id == id }) {
            waiting.remove(at: position)
        }
        urgent = urgent[urgentHead...].filter {
            if case .client(let request) = $0 { request.request.id != id } else { true }
        }
        urgentHead = 0
    }

    /// Takes all client commands out.
    mutating func removeAllClients() -> [SubmittedRequest] {
        var clients = Array(waiting[waitingHead...])
        for case .client(let request) in urgent[urgentHead...] { clients.append(request) }
        urgent = urgent[urgentHead...].filter { if case .client = $0 { false } else { true } }
        urgentHead = 0
        waiting.removeAll(keepingCapacity: true)
        waitingHead = 0
        return clients
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

    /// Takes out the one that has waited longest for a type.
    mutating func wake(_ type: String) -> SubmittedRequest? {
        guard var list = entries[type], !list.isEmpty else { return nil }
        let first = list.removeFirst()
        entries[type] = list.isEmpty ? nil : list
        count -= 1
        return first.request
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
