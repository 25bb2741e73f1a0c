import RaftCore
import Synchronization
import Testing

@testable import ClusterTransport

@Suite(.timeLimit(.minutes(10))) struct RequestTests {
    @Test func `many requests at once get their own answers`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let second = try TestNode(2, authority, recorder: Recorder(onRequest: { $0.reply($0.payload.reversed()) }))
        await TestNode.connect(first, second)

        let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let payload = (0..<number * 50).map { UInt8(truncatingIfNeeded: $0 &+ number) }
                    let answer = try await first.transport.request(payload, to: second.node, timeout: .seconds(20))
                    return answer != payload.reversed()
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }

        #expect(wrong == 0)
        await first.transport.stop()
        await second.transport.stop()
    }

    /// The error a request ends with.
    private static func failure(
        _ node: TestNode,
        _ payload: [UInt8] = [1],
        timeout: Duration = .seconds(20)
    ) async -> TransportError.Code? {
        do throws(TransportError) {
            _ = try await node.transport.request(payload, to: NodeID(2), timeout: timeout)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `the error tells whether the peer may have carried it out`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        #expect(await Self.failure(first) == .notSent)
        let kept = Mutex<[IncomingRequest]>([])
        let signals = Recorder()
        let second = try TestNode(
            2,
            authority,
            recorder: Recorder(onRequest: { request in
                if request.payload == [9] { return request.refuse() }
                kept.withLock { $0.append(request) }
                signals.note(.signalled)
            })
        )
        await TestNode.connect(first, second)

        #expect(await Self.failure(first, [9]) == .refused)
        #expect(await Self.failure(first, [1], timeout: .milliseconds(30)) == .unknown)
        #expect(await Self.failure(first, [UInt8](repeating: 0, count: 9 << 20)) == .invalid)

        async let lost = Self.failure(first, [2])
        await signals.waitForSignals(2)
        second.transport.debugAbort()
        #expect(await lost == .unknown)
        // An answer nobody can get any more does no harm.
        for request in kept.withLock({ $0 }) { request.reply([1]) }
        await first.transport.stop()
        #expect(await Self.failure(first) == .notSent)
    }

    @Test func `cancelling the task tells the peer`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let recorder = Recorder(onRequest: { _ in })
        let seen = Mutex<IncomingRequest?>(nil)
        let second = try TestNode(
            2,
            authority,
            recorder: Recorder(onRequest: { request in
                seen.withLock { $0 = request }
                request.onCancel { recorder.note(.signalled) }
                recorder.note(.signalled)
            })
        )
        await TestNode.connect(first, second)

        let task = Task { await Self.failure(first) }
        await recorder.waitForSignals(1)
        task.cancel()

        #expect(await task.value == .unknown)
        await recorder.waitForSignals(2)
        let request = try #require(seen.withLock { $0 })
        #expect(request.isCancelled)
        request.reply([1])
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `requests beyond the limit are refused by the peer and not sent by the caller`() async throws {
        let authority = try TestAuthority.shared.get()
        let kept = Mutex<[IncomingRequest]>([])
        let first = try TestNode(1, authority) { $0.limits.outstandingRequests = 3 }
        let second = try TestNode(
            2,
            authority,
            recorder: Recorder(onRequest: { request in kept.withLock { $0.append(request) } })
        ) { $0.limits.outstandingRequests = 2 }
        await TestNode.connect(first, second)

        let codes = await withTaskGroup(of: TransportError.Code?.self) { group in
            for _ in 0..<6 { group.addTask { await Self.failure(first) } }
            var codes: [TransportError.Code?] = []
            // The answers are given once it is sure what the others got.
            for await code in group {
                codes.append(code)
                if codes.count == 4 { for request in kept.withLock({ $0 }) { request.reply([]) } }
            }
            return codes
        }

        #expect(codes.count { $0 == nil } >= 2)
        #expect(codes.contains(.refused) || codes.contains(.notSent))
        #expect(codes.allSatisfy { $0 == nil || $0 == .refused || $0 == .notSent })
        await first.transport.stop()
        await second.transport.stop()
    }

    @Test func `a request is answered once`() async throws {
        let authority = try TestAuthority.shared.get()
        let first = try TestNode(1, authority)
        let second = try TestNode(
            2,
            authority,
            recorder: Recorder(onRequest: { request in
                request.reply([1])
                request.reply([2])
                request.refuse()
            })
        )
        await TestNode.connect(first, second)

        for _ in 0..<5 {
            #expect(try await first.transport.request([], to: second.node, timeout: .seconds(20)) == [1])
        }
        await first.transport.stop()
        await second.transport.stop()
    }
}
