/// One entry of a group's event stream: what a log entry made of it. Its index is its position, for ever.
package struct HistoryEntry: Hashable, Sendable {
    package var index: UInt64
    package var term: UInt64
    /// Milliseconds since 1970.
    package var time: Int64
    package var payload: [UInt8]

    package init(index: UInt64, term: UInt64, time: Int64, payload: [UInt8]) {
        self.index = index
        self.term = term
        self.time = time
        self.payload = payload
    }
}
