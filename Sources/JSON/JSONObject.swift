/// The members of an object in source order. Keys are compared byte by byte, as RFC 8259 (section 8.3) advises, not by
/// Unicode equivalence as Swift strings are.
package struct JSONObject: Sendable, Equatable {
    /// One key with its value.
    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Up to this size a walk over the members is as fast as a table.
    private static let indexedSize = 16

    /// All members in source order.
    package private(set) var members: [Member]
    /// Positions by key, kept only for objects larger than `indexedSize`; never walked.
    private var positions: [ExactKey: Int]?

    package init() {
        self.members = []
        self.positions = nil
    }

    /// The keys of `members` must be unique, which the parser has checked.
    init(uniqueMembers members: [Member]) {
        self.members = members
        self.positions = nil
        self.rebuildPositions()
    }

    package var count: Int { self.members.count }
    package var isEmpty: Bool { self.members.isEmpty }
    package var keys: [String] { self.members.map(\.key) }

    /// The value of `key`, or nil if there is no such member.
    package subscript(key: String) -> JSONValue? {
        guard let position = self.position(of: key) else { return nil }
        return self.members[position].value
    }

    /// Replaces the value of `key` in its place, or appends a member.
    package mutating func set(_ key: String, _ value: JSONValue) {
        if let position = self.position(of: key) {
            self.members[position].value = value
            return
        }
        self.members.append(Member(key: key, value: value))
        if self.positions != nil {
            self.positions?[ExactKey(key)] = self.members.count - 1
        } else {
            self.rebuildPositions()
        }
    }

    /// Takes the member away and returns its value, or nil if there is none. Costs as much as the object is large.
    @discardableResult
    package mutating func remove(_ key: String) -> JSONValue? {
        guard let position = self.position(of: key) else { return nil }
        let member = self.members.remove(at: position)
        self.rebuildPositions()
        return member.value
    }

    /// The same members in the same order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }

    private func position(of key: String) -> Int? {
        if let positions = self.positions { return positions[ExactKey(key)] }
        return self.members.firstIndex { ExactKey($0.key) == ExactKey(key) }
    }

    private mutating func rebuildPositions() {
        guard self.members.count > Self.indexedSize else {
            self.positions = nil
            return
        }
        var positions = [ExactKey: Int](minimumCapacity: self.members.count)
        for (position, member) in self.members.enumerated() {
            positions[ExactKey(member.key)] = position
        }
        self.positions = positions
    }
}

/// A key that equals only a key of the same bytes.
struct ExactKey: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactKey, right: ExactKey) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = self.text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
