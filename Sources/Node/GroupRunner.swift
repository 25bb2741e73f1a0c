import Foundation
import Gateway
import Glibc
import Logging
import ProcessEngine
import RaftCore
import RaftLog
import ReplicaCore
import SQLite
import StateStore
import Synchronization

/// Runs one group's replica on a thread of its own: collects inputs, lets the replica decide, does what it says.
final class GroupRunner: Sendable {
    /// What other threads may see of the replica.
    struct Snapshot {
        var isReady = false
        var isLeader = false
        var term: UInt64 = 0
        var commitIndex: UInt64 = 0
        var appliedIndex: UInt64 = 0
        var durableAppliedIndex: UInt64 = 0
        var queuedCommands = 0
        var parkedActivations = 0
        var archivedPending = 0
        var walBytes = 0
        var statistics = ReplicaStatistics()
        var groupTime: Int64 = 0
        /// The leader as far as this replica knows.
        var leader: NodeID?
        var role = Role.follower
        var membership = Membership()
        /// What a leader knows of the members.
        var peers: [RaftCore.PeerStatus] = []
        var digest = StateDigest()
        /// Why nothing can be executed now, if so.
        var trouble: String?
    }

    private struct Inbox {
        var inputs: [ReplicaInput] = []
        var isStopping = false
    }

    let group: UInt32
    let waiters = ReplicaWaiters()
    let leaderSignal = LeaderSignal()
    /// What the group's leaders have let this node know.
    let signs = LeaderSigns()
    /// Set before the thread starts.
    private let barrier = Mutex<ReadBarrier?>(nil)
    let snapshot = Mutex(Snapshot())
    /// The log is needed from here on for the history.
    let historyIndex = Mutex<UInt64>(.max)
    /// Finished instances that the history of a generation of the state has.
    private let archived = Mutex<[(generation: UInt64, keys: [Key])]>([])
    private let inbox = Mutex(Inbox())
    /// Set with each input, so that a look at the inbox needs no lock.
    private let hasArrivals = Atomic<Bool>(false)
    private let condition = NSCondition()
    private let clock: NodeClock
    private let logger: Logger
    private let finished = DispatchSemaphore(value: 0)
    private let connections: Mutex<Connections>

    /// What the runner's actions reach; set before the thread starts.
    struct Connections {
        /// Takes messages to other nodes.
        var send: @Sendable ([RaftMessage]) -> Void = { _ in }
        /// The members changed, and with them where they are reached.
        var membersChanged: @Sendable (_ group: UInt32, Membership) -> Void = { _, _ in }
        /// Puts a received snapshot in place.
        var installer: (any SnapshotInstalling)?
        /// Entries after this index are still needed by a snapshot that is on its way.
        var heldIndex: @Sendable (_ group: UInt32) -> UInt64 = { _ in .max }
        /// Hands an internal command to another group.
        var route: @Sendable (_ group: UInt32, InternalCommand) -> Void = { _, _ in }
        /// The node cannot go on.
        var fail: @Sendable (String) -> Void = { _ in }
    }

    init(group: UInt32, clock: NodeClock, logger: Logger, connections: Connections) {
        self.group = group
        self.clock = clock
        self.logger = logger
        self.connections = Mutex(connections)
        // Read ids are never used again on this node: they begin with the time.
        let firstID = UInt64(clamping: clock.now) << 20
        let made = ReadBarrier(firstID: firstID) { [weak self] id in self?.post(.read(id)) }
        barrier.withLock { $0 = made }
    }

    /// Waits until this replica's state shows all that was answered before the call.
    func passReadBarrier(deadline: Int64) async -> Bool {
        guard let barrier = barrier.withLock({ $0 }) else { return false }
        return await barrier.pass(now: clock.now, deadline: deadline)
    }

    /// How far this replica is behind, as far as this node knows.
    var lag: ReplicaLag { ReplicaLag(snapshot.withLock { $0 }, signs.seen, now: clock.now) }

    func readAnswered(_ id: ReadRequestID, isReady: Bool) {
        barrier.withLock { $0 }?.answered(id, isReady: isReady, now: clock.now)
    }

    /// With every tick: whoever waits too long is told, and questions without an answer are asked again.
    func tickBarrier() { barrier.withLock { $0 }?.tick(now: clock.now) }

    func post(_ input: ReplicaInput) {
        condition.lock()
        inbox.withLock { $0.inputs.append(input) }
        hasArrivals.store(true, ordering: .releasing)
        condition.signal()
        condition.unlock()
    }

    /// Says what is in the history that belongs to this generation of the state. What comes for an earlier one than
    /// that in use is forgotten: the history in use may not have it. Nobody waits for it: it is taken with the next
    /// input or tick.
    func postArchived(_ keys: [Key], generation: UInt64) {
        archived.withLock { $0.append((generation, keys)) }
    }

    func takeArchived(generation: UInt64) -> [Key] {
        archived.withLock { archived in
            defer { archived = [] }
            return archived.filter { $0.generation == generation }.flatMap(\.keys)
        }
    }

    /// Sets whether commands are refused, and why.
    func setTrouble(_ reason: String?) { snapshot.withLock { $0.trouble = reason } }

    /// Starts the thread. `makeReplica` runs on it: the state's connection belongs to that thread.
    func start(
        log: SQLiteRaftLog,
        incarnation: IncarnationID,
        generation: UInt64,
        makeReplica: @escaping @Sendable () throws -> (Replica<GroupLogReader>, SQLiteState),
        poisoned: [ExecutionMark]
    ) throws {
        let outcome = Mutex<Result<Void, any Error>?>(nil)
        let started = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            nameThread("group-\(group)")
            do {
                let (replica, state) = try makeReplica()
                let loop = GroupLoop(
                    runner: self,
                    replica: replica,
                    state: state,
                    log: log,
                    incarnation: incarnation,
                    generation: generation,
                    connections: connections.withLock { $0 },
                    clock: clock,
                    logger: logger
                )
                try loop.begin(poisoned: poisoned)
                outcome.withLock { $0 = .success(()) }
                started.signal()
                loop.run()
            } catch {
                outcome.withLock { $0 = .failure(error) }
                started.signal()
            }
            finished.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        started.wait()
        try outcome.withLock { $0 }?.get()
    }

    /// Ends the thread after what it is doing; waits for it.
    func stop() {
        condition.lock()
        inbox.withLock { $0.isStopping = true }
        condition.signal()
        condition.unlock()
        finished.wait()
        waiters.close()
        leaderSignal.close()
        barrier.withLock { $0 }?.close()
    }

    /// Takes what has arrived, waiting until `deadline` for the first. Nil when the runner is stopping.
    func takeInputs(until deadline: Int64) -> [ReplicaInput]? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let (inputs, isStopping) = inbox.withLock { inbox in
                defer { inbox.inputs.removeAll(keepingCapacity: true) }
                return (inbox.inputs, inbox.isStopping)
            }
            if isStopping { return nil }
            let wait = deadline - clock.now
            if !inputs.isEmpty || wait <= 0 { return inputs }
            if !condition.wait(until: Date(timeIntervalSinceNow: Double(wait) / 1_000)) { return [] }
        }
    }

    /// Looks out for an input for a moment before the thread goes to sleep: a client that sends one command after the
    /// other has its next one here sooner than a sleeping thread would wake up.
    func watch(nanoseconds: Int64) {
        hasArrivals.store(false, ordering: .relaxed)
        guard inbox.withLock({ $0.inputs.isEmpty && !$0.isStopping }) else { return }
        let end = ContinuousClock.now + .nanoseconds(nanoseconds)
        while !hasArrivals.load(ordering: .acquiring), ContinuousClock.now < end { sched_yield() }
    }

    /// What has arrived by now.
    func takeArrived() -> [ReplicaInput] {
        inbox.withLock { inbox in
            defer { inbox.inputs.removeAll(keepingCapacity: true) }
            return inbox.inputs
        }
    }
}
