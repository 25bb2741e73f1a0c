import ProcessEngine

/// Element instances that the open transaction has read or written, as they are now: a command asks for the same scope
/// again and again. One for each place that a key can have.
struct RecentElements {
    private static let places = 32

    private var records = [ElementInstanceRecord?](repeating: nil, count: RecentElements.places)
    private var isEmpty = true
    /// Nothing is kept outside of a transaction: others may write then.
    private(set) var isOpen = false

    subscript(key: Key) -> ElementInstanceRecord? {
        guard isOpen, let record = records[Self.place(key)], record.key == key else { return nil }
        return record
    }

    mutating func keep(_ record: ElementInstanceRecord) {
        guard isOpen else { return }
        records[Self.place(record.key)] = record
        isEmpty = false
    }

    mutating func change(_ key: Key, _ change: (inout ElementInstanceRecord) -> Void) {
        guard isOpen else { return }
        let place = Self.place(key)
        guard records[place]?.key == key else { return }
        if var record = records[place].take() {
            change(&record)
            records[place] = record
        }
    }

    mutating func forget(_ key: Key) {
        let place = Self.place(key)
        if records[place]?.key == key { records[place] = nil }
    }

    mutating func forgetAll() {
        guard !isEmpty else { return }
        for place in records.indices { records[place] = nil }
        isEmpty = true
    }

    mutating func open() {
        forgetAll()
        isOpen = true
    }

    mutating func close() {
        forgetAll()
        isOpen = false
    }

    private static func place(_ key: Key) -> Int { Int(truncatingIfNeeded: key.rawValue) & (places - 1) }
}
