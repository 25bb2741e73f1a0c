import JSON

/// Sends requests as official clients do: 503 says surely not executed and is sent elsewhere; after 504 or a lost
/// connection nobody knows, and only a request with an idempotency key may be sent again.
struct RetryingClient {
    /// What became of a request.
    enum Outcome {
        case answered(HTTPReply, Acknowledgement)
        /// Surely not executed, and the drill is over.
        case notExecuted
        /// Perhaps executed.
        case unknown
    }

    let addresses: AddressBook
    let stopwatch: Stopwatch
    let ledger: Ledger
    /// The node asked first.
    private var node: Int
    private let stays: Bool
    private var connection: HTTPConnection?
    private let timeoutSeconds: Double

    /// - Parameters:
    ///   - node: which of the addresses to begin with.
    ///   - stays: whether to go back to that node after a failure elsewhere was answered.
    init(
        addresses: AddressBook,
        node: Int,
        stays: Bool = true,
        timeoutSeconds: Double = 5,
        stopwatch: Stopwatch,
        ledger: Ledger
    ) {
        self.addresses = addresses
        self.node = node
        self.home = node
        self.stays = stays
        self.timeoutSeconds = timeoutSeconds
        self.stopwatch = stopwatch
        self.ledger = ledger
    }

    private let home: Int

    /// Sends a request once to the current node.
    mutating func attempt(_ request: HTTPRequest) throws(HTTPFailure) -> (HTTPReply, Acknowledgement) {
        let address = self.addresses[self.node]
        if self.connection?.address != address {
            self.connection = HTTPConnection(address, timeoutSeconds: self.timeoutSeconds)
        }
        guard let connection = self.connection else { throw .notConnected("no address") }
        let sent = self.stopwatch.seconds
        let reply = try connection.send(request)
        return (reply, Acknowledgement(sent: sent, answered: self.stopwatch.seconds))
    }

    mutating func moveOn() {
        self.node += 1
        self.connection = nil
    }

    /// Sends a request until it is answered, or until `isOver` after something that nobody knows.
    mutating func settle(_ request: HTTPRequest, isOver: () -> Bool) -> Outcome {
        var isUnknown = false
        var round = 0
        while true {
            do throws(HTTPFailure) {
                let (reply, acknowledgement) = try self.attempt(request)
                switch reply.status {
                case 503: self.ledger.repeated("503")
                case 504:
                    self.ledger.repeated("504")
                    isUnknown = true
                default:
                    if self.stays, self.node != self.home, round > 0 { self.goHome() }
                    return .answered(reply, acknowledgement)
                }
            } catch {
                switch error {
                case .notConnected: self.ledger.repeated("not connected")
                case .noAnswer:
                    self.ledger.repeated("connection lost")
                    isUnknown = true
                }
            }
            if isUnknown, request.idempotencyKey == nil { return .unknown }
            if isOver() { return isUnknown ? .unknown : .notExecuted }
            self.moveOn()
            round += 1
            // Each node was asked once without a pause, then a little less eagerly.
            if round >= self.addresses.count { DrillClock.sleep(seconds: 0.005) }
        }
    }

    private mutating func goHome() {
        self.node = self.home
        self.connection = nil
    }
}
