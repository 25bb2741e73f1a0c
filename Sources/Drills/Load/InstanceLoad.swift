import JSON

/// Begins instances through all nodes at a rate, and publishes the messages that they wait for.
struct InstanceLoad: Sendable {
    /// Makes ids of this drill unlike those of every other.
    let run: String
    let addresses: AddressBook
    let stopwatch: Stopwatch
    let ledger: Ledger
    let pace: LoadPace
    /// No new instance is begun.
    let isClosing: Signal
    /// What is unanswered is given up.
    let isOver: Signal

    /// One client; returns when the load closes and everything it began is settled.
    func run(client: Int) {
        var messenger = self.client(client)
        while !self.isClosing.value, let ticket = self.pace.next(now: self.stopwatch.seconds) {
            while self.stopwatch.seconds < ticket.due, !self.isClosing.value {
                DrillClock.sleep(seconds: min(0.05, ticket.due - self.stopwatch.seconds))
            }
            if self.isClosing.value { return }
            self.begin(ticket, &messenger)
        }
    }

    private func client(_ number: Int) -> RetryingClient {
        RetryingClient(addresses: self.addresses, node: number, stopwatch: self.stopwatch, ledger: self.ledger)
    }

    private func begin(_ ticket: LoadPace.Ticket, _ client: inout RetryingClient) {
        let id = "\(self.run)-\(ticket.model.rawValue)-\(ticket.number)"
        self.ledger.begin(id, ticket.model)
        let body = JSONValue(members: [
            "processDefinitionId": .string(LoadModels.processID(ticket.model)),
            "variables": JSONValue(members: ["drillId": .string(id), "delay": .string("PT0.5S")]),
        ])
        let creation = HTTPRequest.post("/v2/process-instances", body, key: "drill-create-\(id)")
        guard let reply = self.settle(creation, "the creation of \(id)", &client) else { return }
        self.ledger.created(id, key: reply.text("processInstanceKey"))
        guard ticket.model == .message else { return }
        let message = JSONValue(members: [
            "name": .string(LoadModels.messageName), "correlationKey": .string(id), "timeToLive": .int(3_600_000),
            "variables": JSONValue(members: ["paidBy": .string(id)]),
        ])
        let publication = HTTPRequest.post("/v2/messages/publication", message, key: "drill-publish-\(id)")
        guard let reply = self.settle(publication, "the message for \(id)", &client) else { return }
        self.ledger.published(id, key: reply.text("messageKey"))
    }

    private func settle(_ request: HTTPRequest, _ what: String, _ client: inout RetryingClient) -> JSONValue? {
        switch client.settle(request, isOver: { self.isOver.value }) {
        case .answered(let reply, let acknowledgement):
            guard reply.status == 200 else {
                self.ledger.violation("\(what) was answered with \(reply.status): \(reply.text)")
                return nil
            }
            self.ledger.acknowledge(acknowledgement)
            return reply.json
        case .notExecuted, .unknown: return nil
        }
    }
}
