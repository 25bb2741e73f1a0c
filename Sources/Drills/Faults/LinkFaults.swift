extension FaultInjector {
    /// Cut, slow and lossy links, measured in both directions before and while they are disturbed.
    func disturbLinks(_ plan: FaultPlan, _ targets: [Int], _ record: inout FaultRecord) throws {
        let links = self.links(plan, targets)
        let condition = Self.condition(plan)
        self.begin(&record)
        for link in links { try self.cluster.network.set(condition, from: link.from, to: link.to) }
        defer { for link in links { try? self.cluster.network.set(.good, from: link.from, to: link.to) } }
        var (sent, received) = (0, 0)
        for link in links {
            let measurement = try self.cluster.network.measure(from: link.from, to: link.to)
            sent += measurement.sent
            received += measurement.received
            record.prove(
                "from node \(link.from + 1) to node \(link.to + 1): \(measurement.text)",
                Self.shows(measurement, condition)
            )
        }
        if condition.loss > 0 {
            // One link alone may be lucky with its few probes; all together are not. Behind a relay, what waits for a
            // repetition is late as well, so that more looks lost than is.
            let share = Double(sent - received) / Double(max(1, sent))
            record.prove(
                "together \(Figures.percent(share)) of \(sent) probes were lost",
                share > condition.loss / 3 && share < condition.loss + 0.5
            )
        }
        if plan.kind == .cutOneWay, let link = links.first {
            let back = try self.cluster.network.measure(from: link.to, to: link.from)
            record.prove(
                "the way back, from node \(link.to + 1) to node \(link.from + 1): \(back.text)",
                back.received > back.sent / 2
            )
        }
        self.last(max(0, plan.lasting - (self.stopwatch.seconds - record.began)))
        for link in links { try self.cluster.network.set(.good, from: link.from, to: link.to) }
        if let link = links.first {
            let measurement = try self.cluster.network.measure(from: link.from, to: link.to)
            record.prove("afterwards: \(measurement.text)", measurement.received > measurement.sent / 2)
        }
        try self.awaitReturn(targets, &record)
    }

    /// The directions that a fault disturbs.
    private func links(_ plan: FaultPlan, _ targets: [Int]) -> [(from: Int, to: Int)] {
        var links: [(from: Int, to: Int)] = []
        for from in 0..<self.nodes {
            for to in 0..<self.nodes where from != to {
                let isMeant =
                    plan.kind == .cutOneWay
                    ? targets.contains(from) : targets.contains(from) || targets.contains(to)
                if isMeant { links.append((from, to)) }
            }
        }
        return links
    }

    private static func condition(_ plan: FaultPlan) -> LinkCondition {
        switch plan.kind {
        case .slowLinks: LinkCondition(delay: plan.delay)
        case .lossyLinks: LinkCondition(loss: plan.loss)
        default: LinkCondition(isCut: true)
        }
    }

    /// Whether what was measured is what was meant. Few probes: chance is given room.
    private static func shows(_ measurement: LinkMeasurement, _ condition: LinkCondition) -> Bool {
        if condition.isCut { return measurement.received == 0 && measurement.sent > 0 }
        if condition.delay > 0 { return measurement.received > 0 && measurement.delayMedian >= condition.delay * 0.9 }
        return measurement.received > 0
    }
}
