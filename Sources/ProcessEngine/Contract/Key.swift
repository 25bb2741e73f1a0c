/// The identity of anything the engine keeps: `group << 51 | counter`. Keys of one group grow with time, so tables that
/// use them as row id are only ever appended to.
package struct Key: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    /// - Parameters:
    ///   - group: number of the group that makes the key, 0 to 4095.
    ///   - counter: the group's counter, 1 to 2^51 - 1.
    package init(group: UInt32, counter: Int64) {
        precondition(group < 4096, "group \(group) does not fit into a key")
        precondition(counter > 0 && counter < Key.counterLimit, "counter \(counter) does not fit into a key")
        self.rawValue = Int64(group) << 51 | counter
    }

    private static let counterLimit: Int64 = 1 << 51

    /// The group that made the key, and that keeps what it names. Nil for a number that is no key.
    package var group: UInt32? { rawValue > 0 ? UInt32(rawValue >> 51) : nil }
    package var counter: Int64 { rawValue & (Key.counterLimit - 1) }

    package static func < (left: Key, right: Key) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

/// The tenant of a cluster without tenants.
package let defaultTenantID = "<default>"
