import Gateway
import ProcessEngine
import Synchronization
import Testing

@testable import HTTPAPI

/// Records what the API asks for and gives the answers that a test has prepared.
final class ScriptedGateway: CommandGateway, QueryGateway, StatusGateway, ClusterAdministration {
    struct Submission: Equatable {
        var command: Command
        var options: RequestOptions
    }

    struct Script {
        var outcome: CommandOutcome = .answered(.done)
        /// Waits until the task is cancelled, then answers `outcome`.
        var waitsForCancellation = false
        /// Waits until the test calls `release()`, then answers `outcome`.
        var waitsForRelease = false
        var page = SearchPage(rows: [], totalItems: 0, hasMoreTotalItems: false)
        var rows: [ViewKind: [Int64: ViewRow]] = [:]
        var xml: [UInt8]?
        var queryError: QueryError?
        var notReadyReason: String?
        var lagReason: String?
        /// The leader of group 1 as this node, node 3, sees it.
        var leader: UInt64?
        var members = [MemberStatus(node: 3, address: "", role: "voter", isConnected: true)]
        var administration = AdministrationOutcome.done
    }

    /// What an operator asked for.
    enum Wish: Equatable {
        case change(ClusterChange)
        case transfer(UInt64?)
    }

    private struct State {
        var script: Script
        var submissions: [Submission] = []
        var searches: [SearchRequest] = []
        var consistencies: [ReadConsistency] = []
        var wishes: [Wish] = []
        var cancellations = 0
    }

    private let state: Mutex<State>
    private let cancelled = AsyncStream<Void>.makeStream()
    private let submitted = AsyncStream<Void>.makeStream()
    private let released = AsyncStream<Void>.makeStream()

    init(_ script: Script = Script()) { self.state = Mutex(State(script: script)) }

    convenience init(_ answer: Answer) { self.init(Script(outcome: .answered(answer))) }

    var submissions: [Submission] { self.state.withLock { $0.submissions } }
    var searches: [SearchRequest] { self.state.withLock { $0.searches } }
    /// Of all queries, in their order.
    var consistencies: [ReadConsistency] { self.state.withLock { $0.consistencies } }
    var wishes: [Wish] { self.state.withLock { $0.wishes } }

    /// Returns once a command has been submitted.
    func untilSubmitted() async { for await _ in self.submitted.stream { return } }
    /// Returns once a waiting command has been cancelled.
    func untilCancelled() async { for await _ in self.cancelled.stream { return } }

    func submit(_ command: Command, options: RequestOptions) async -> CommandOutcome {
        let script = self.state.withLock { state in
            state.submissions.append(Submission(command: command, options: options))
            return state.script
        }
        self.submitted.continuation.yield()
        if script.waitsForCancellation {
            let (stream, _) = AsyncStream<Void>.makeStream()
            for await _ in stream {}
            self.cancelled.continuation.yield()
        }
        if script.waitsForRelease {
            for await _ in self.released.stream { break }
            if Task.isCancelled { self.cancelled.continuation.yield() }
        }
        return script.outcome
    }

    /// Lets one command that waits for it go on.
    func release() { self.released.continuation.yield() }

    func search(_ request: SearchRequest, consistency: ReadConsistency) async throws -> SearchPage {
        let script = self.queried(consistency)
        self.state.withLock { $0.searches.append(request) }
        if let error = script.queryError { throw error }
        return script.page
    }

    func row(_ view: ViewKind, key: Key, consistency: ReadConsistency) async throws -> ViewRow? {
        let script = self.queried(consistency)
        if let error = script.queryError { throw error }
        return script.rows[view]?[key.rawValue]
    }

    func definitionXML(_ key: Key, consistency: ReadConsistency) async throws -> [UInt8]? {
        self.queried(consistency).xml
    }

    private func queried(_ consistency: ReadConsistency) -> Script {
        self.state.withLock { state in
            state.consistencies.append(consistency)
            return state.script
        }
    }

    func members() async -> [MemberStatus] { self.state.withLock { $0.script.members } }

    func change(_ change: ClusterChange, timeout: Duration) async -> AdministrationOutcome {
        self.wished(.change(change))
    }

    func transferLeadership(to node: UInt64?, timeout: Duration) async -> AdministrationOutcome {
        self.wished(.transfer(node))
    }

    private func wished(_ wish: Wish) -> AdministrationOutcome {
        self.state.withLock { state in
            state.wishes.append(wish)
            return state.script.administration
        }
    }

    func clusterStatus() async -> ClusterStatus {
        var status = ClusterStatus(
            clusterID: "cluster-1",
            nodeID: 3,
            host: "node3.example",
            port: 8080,
            version: "0.1.0",
            groups: [
                GroupStatus(group: 0, isLeader: true, isHealthy: true, term: 1, commitIndex: 1, appliedIndex: 1),
                GroupStatus(group: 1, isLeader: false, isHealthy: true, term: 1, commitIndex: 1, appliedIndex: 1),
            ]
        )
        status.groups[0].leader = 3
        status.groups[0].role = "leader"
        status.groups[1].leader = self.state.withLock { $0.script.leader }
        status.groups[1].role = "follower"
        status.groups[1].digest = "00ff"
        status.groups[1].behind = 7
        status.groups[1].leaderSilenceMilliseconds = 120
        return status
    }

    func lagReason() async -> String? { self.state.withLock { $0.script.lagReason } }
    func notReadyReason() async -> String? { self.state.withLock { $0.script.notReadyReason } }

    func metricsText() async -> String { "thalweg_term 1\n" }
}

/// A row with the given fields; those left out are null, or what a field that is never null may hold.
func makeRow(_ view: ViewKind, _ values: [String: ViewValue]) -> ViewRow {
    ViewRow(
        values: view.fields.map { field in
            if let value = values[field.name] { return value }
            if field.isNullable { return .null }
            switch field.type {
            case .key: return .integer(2_251_799_813_685_249)
            case .integer, .boolean: return .integer(1)
            case .date: return .integer(1_700_000_000_000)
            case .string, .serializedJSON: return .text("text")
            case .enumeration(let words): return .text(words[0])
            case .json: return .text(["tags", "candidateUsers", "candidateGroups"].contains(field.name) ? "[]" : "{}")
            }
        }
    )
}

/// Generates the same numbers from the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
