import Gateway
import StateStore

extension SearchError {
    var asQueryError: QueryError {
        switch self {
        case .timeLimit: QueryError(.timeLimit, "\(self)")
        case .closed: QueryError(.unavailable, "\(self)")
        case .invalid: QueryError(.failed, "\(self)")
        }
    }
}
