/// Why a search or another query was not answered.
package enum SearchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The request makes no sense; the text says what was expected. The caller's fault.
    case invalid(String)
    /// It took longer than a query may, or no connection became free within that time.
    case timeLimit
    /// The pool was closed, because the node stops or the state was replaced.
    case closed

    package var description: String {
        switch self {
        case .invalid(let reason): reason
        case .timeLimit: "Expected the query to end within its time limit, but it did not"
        case .closed: "Expected an open state, but it was closed"
        }
    }
}
