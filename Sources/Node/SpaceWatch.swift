import Foundation
import Logging
import Synchronization

/// Refuses commands before the disk is really full, so that what is under way can still be written; takes them again
/// by itself once there is space.
final class SpaceWatch: Sendable {
    /// Below the first mark commands are refused, above the second they are taken again.
    private static let mark: UInt64 = 256 << 20
    private static let smallDiskShare: UInt64 = 8

    private let folder: DataFolder
    private let runners: [GroupRunner]
    private let right: LeadershipRight
    private let logger: Logger
    private let isStopping = Mutex(false)
    private let condition = NSCondition()

    init(folder: DataFolder, runners: [GroupRunner], right: LeadershipRight, logger: Logger) {
        self.right = right
        self.folder = folder
        self.runners = runners
        self.logger = logger
    }

    func start() {
        let thread = Thread { [self] in
            nameThread("space-watch")
            run()
        }
        thread.start()
    }

    func stop() {
        condition.lock()
        isStopping.withLock { $0 = true }
        condition.signal()
        condition.unlock()
    }

    private func run() {
        var isRefusing = false
        while true {
            if let (available, total) = folder.space() {
                // On a small file system an eighth of it is the mark.
                let low = min(SpaceWatch.mark, total / SpaceWatch.smallDiskShare)
                if !isRefusing, available < low {
                    isRefusing = true
                    let text =
                        "the disk is nearly full: \(available >> 20) MiB of \(total >> 20) MiB are free, "
                        + "\(low >> 20) MiB are needed; free some space"
                    for runner in runners { runner.setTrouble(text) }
                    right.set(.space, isRaised: true)
                    logger.critical("commands are refused: the disk is nearly full", metadata: ["free": "\(available)"])
                } else if isRefusing, available > low + low / 4 {
                    isRefusing = false
                    for runner in runners { runner.setTrouble(nil) }
                    right.set(.space, isRaised: false)
                    logger.notice("commands are taken again: there is space on the disk")
                }
            }
            condition.lock()
            if !isStopping.withLock({ $0 }) { _ = condition.wait(until: Date(timeIntervalSinceNow: 1)) }
            condition.unlock()
            if isStopping.withLock({ $0 }) { return }
        }
    }
}
