import ReplicaCore
import Synchronization

/// Whether this node may lead: several parts of it may object, each for a reason of its own.
final class LeadershipRight: Sendable {
    enum Objection: Hashable, Sendable {
        /// The wall clock differs from the others'.
        case clock
        /// There is no space on the disk.
        case space
        /// Another node has this one's identity.
        case identity
    }

    private let objections: Mutex<Set<Objection>>
    private let runners: [GroupRunner]

    /// - Parameter isClockKnown: whether there is nobody to compare the clock with. Else this node does not lead until
    ///   it
    ///   has been: a group's time that was once too far ahead stands still until the others' clocks get there.
    init(runners: [GroupRunner], isClockKnown: Bool) {
        self.runners = runners
        objections = Mutex(isClockKnown ? [] : [.clock])
        guard !isClockKnown else { return }
        for runner in runners { runner.post(.mayLead(false)) }
    }

    func set(_ objection: Objection, isRaised: Bool) {
        let change = objections.withLock { objections -> Bool? in
            let before = objections.isEmpty
            if isRaised { objections.insert(objection) } else { objections.remove(objection) }
            return before == objections.isEmpty ? nil : objections.isEmpty
        }
        guard let change else { return }
        for runner in runners { runner.post(.mayLead(change)) }
    }
}
