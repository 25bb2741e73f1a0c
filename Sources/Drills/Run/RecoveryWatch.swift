import Synchronization

/// Passes on what is told, and tells in addition when the first command behind a fault was acknowledged. The numbers of
/// the report do not come from here; they are computed from everything at the end.
final class RecoveryWatch: DrillNarrator {
    private let narrator: any DrillNarrator
    private let ledger: Ledger
    private let isOver: Signal
    private let threads = ThreadGroup()

    init(_ narrator: any DrillNarrator, ledger: Ledger, isOver: Signal) {
        self.narrator = narrator
        self.ledger = ledger
        self.isOver = isOver
    }

    var countsInstances: Bool { self.narrator.countsInstances }
    func begin(_ stopwatch: Stopwatch) { self.narrator.begin(stopwatch) }

    func tell(_ event: DrillEvent) {
        self.narrator.tell(event)
        guard case .struck(let kind, _, let time) = event else { return }
        self.threads.start("recovery") { [narrator, ledger, isOver] in
            while !isOver.value {
                if let answered = ledger.firstAnswer(toRequestsSince: time) {
                    return narrator.tell(.recovered(kind, seconds: answered - time))
                }
                DrillClock.sleep(seconds: 0.005)
            }
        }
    }
}
