/// What to do after an attempt to report a job's outcome.
enum ReportPolicy: Equatable, Sendable {
    /// The server knows.
    case done
    /// Try again; `isUncertain` when the attempt may have succeeded without our knowing.
    case again(isUncertain: Bool)
    /// The server refuses the content itself, so report a failure in its place.
    case reportRefusal(String)
    /// The server will never take it: the job is gone or somebody else's.
    case giveUp(String)

    /// Judges the answer to a report. After an uncertain attempt, "no such job" means that it had succeeded.
    static func next(after response: ServerResponse, to request: APIRequest, isUncertain: Bool) -> ReportPolicy {
        switch ResponseJudgement(response, to: request) {
        case .success: return .done
        case .retry: return .again(isUncertain: isUncertain)
        case .failure(let failure):
            switch response.status {
            case 404, 409: return isUncertain ? .done : .giveUp(failure.message)
            case 400, 413, 422: return .reportRefusal(failure.message)
            case 408, 504: return .again(isUncertain: true)
            case 429, 500, 502: return .again(isUncertain: isUncertain)
            default: return .giveUp(failure.message)
            }
        }
    }

    /// Judges an attempt without an answer.
    static func next(after failure: ClientFailure, isUncertain: Bool) -> ReportPolicy {
        switch failure.code {
        case .unavailable: .again(isUncertain: isUncertain)
        case .unknown: .again(isUncertain: true)
        case .refused, .usage, .outputClosed, .interrupted: .giveUp(failure.message)
        }
    }

    /// Whether a failed poll may succeed later: everything but a request that is wrong or not allowed.
    static func isPassing(_ failure: ClientFailure) -> Bool {
        switch failure.code {
        case .unavailable, .unknown: true
        case .refused: failure.status.map { $0 == 429 || $0 >= 500 } ?? false
        case .usage, .outputClosed, .interrupted: false
        }
    }
}
