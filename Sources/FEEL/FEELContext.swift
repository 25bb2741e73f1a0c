/// A FEEL context: named values in the order of insertion. Equality ignores the order (DMN 1.3, 10.3.2.3.8).
package struct FEELContext: Sendable, Equatable {
    /// One named value.
    package struct Entry: Sendable, Equatable {
        /// The name.
        package let key: String
        /// The value.
        package var value: FEELValue
    }

    /// All entries in the order in which their keys were first set.
    package private(set) var entries: [Entry] = []
    /// Positions by key, kept only once a scan would be slower.
    private var index: [String: Int] = [:]
    private static let scanLimit = 8

    /// The empty context.
    package init() {}

    /// A context of the given pairs; of equal keys the last wins.
    package init(_ pairs: some Sequence<(String, FEELValue)>) {
        for (key, value) in pairs { self[key] = value }
    }

    /// The number of entries.
    package var count: Int { self.entries.count }

    /// The value under a key, nil if there is none. Setting nil removes the entry.
    package subscript(key: String) -> FEELValue? {
        get { self.position(of: key).map { self.entries[$0].value } }
        set {
            guard let newValue else {
                self.remove(key)
                return
            }
            if let position = self.position(of: key) {
                self.entries[position].value = newValue
                return
            }
            self.entries.append(Entry(key: key, value: newValue))
            if !self.index.isEmpty {
                self.index[key] = self.entries.count - 1
            } else if self.entries.count > FEELContext.scanLimit {
                self.rebuildIndex()
            }
        }
    }

    private func position(of key: String) -> Int? {
        if !self.index.isEmpty { return self.index[key] }
        for position in self.entries.indices where self.entries[position].key == key { return position }
        return nil
    }

    private mutating func remove(_ key: String) {
        guard let position = self.position(of: key) else { return }
        self.entries.remove(at: position)
        self.rebuildIndex()
    }

    private mutating func rebuildIndex() {
        self.index.removeAll()
        guard self.entries.count > FEELContext.scanLimit else { return }
        for position in self.entries.indices { self.index[self.entries[position].key] = position }
    }

    package static func == (left: FEELContext, right: FEELContext) -> Bool {
        guard left.count == right.count else { return false }
        return left.entries.allSatisfy { right[$0.key] == $0.value }
    }
}

/// Where an expression finds its variables.
package protocol FEELScope {
    /// The value of a variable, or nil if there is none; FEEL then goes on with null and a warning.
    func value(of name: String) -> FEELValue?
}

extension FEELContext: FEELScope {
    package func value(of name: String) -> FEELValue? { self[name] }
}
