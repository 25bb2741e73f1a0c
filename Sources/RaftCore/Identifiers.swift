/// Identifies a server of the cluster. Never reused: a node whose disk was lost comes back under a new identifier.
package struct NodeID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

/// Identifies a replication group. Group 0 holds cluster state, groups from 1 on hold process instances.
package struct GroupID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// The group of cluster state: members, definitions, alarms, tenants.
    package static let cluster = GroupID(0)

    package static func < (left: GroupID, right: GroupID) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

/// One life of a group. A group that is deleted and made again under the same identifier has another incarnation, so
/// that entries and messages of the old one are never mistaken for its own.
package struct IncarnationID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package var description: String { String(rawValue) }
}

/// A period of leadership (Raft paper, section 5.1). Zero before the first election.
package struct Term: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static let zero = Term(0)

    package static func < (left: Term, right: Term) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

/// The position of an entry in a group's log, counted from 1; zero means "before the first entry".
package struct LogIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static let zero = LogIndex(0)

    package static func < (left: LogIndex, right: LogIndex) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}
