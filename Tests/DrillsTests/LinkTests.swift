import Glibc
import Testing

@testable import Drills

/// What a machine allows; tests that need more are skipped, and say so.
private enum Machine {
    /// An executable of this build that has the drill's probes.
    static let probe: String? = {
        guard let folder = try? SystemText.ownExecutable().split(separator: "/").dropLast().joined(separator: "/")
        else {
            return nil
        }
        return ["thalweg", "drilltool"].map { "/\(folder)/\($0)" }.first { Files.exists($0) }
    }()

    static let allowsNamespaces =
        geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0
        && SystemText.tool("ip") != nil && Machine.probe != nil

    static let hasCompiler = SystemText.tool("cc") != nil || SystemText.tool("gcc") != nil
}

@Suite struct LinkTests {
    @Test func `a cut link passes nothing, a good one everything`() {
        let links = LinkTable(nodes: 2)
        links.set(LinkCondition(isCut: true), from: 0, to: 1)

        #expect((0..<100).allSatisfy { _ in links.fate(from: 0, to: 1) == .dropped })
        #expect((0..<100).allSatisfy { _ in links.fate(from: 1, to: 0) == .passed })
    }

    @Test func `a lossy link loses about as much as told`() {
        let links = LinkTable(nodes: 2)
        links.set(LinkCondition(loss: 0.2), from: 0, to: 1)

        let lost = (0..<10_000).count { _ in links.fate(from: 0, to: 1) == .dropped }

        #expect((1_800...2_200).contains(lost))
    }

    @Test func `a slow link delays`() {
        let links = LinkTable(nodes: 2)
        links.set(LinkCondition(delay: 0.05), from: 0, to: 1)

        #expect(links.fate(from: 0, to: 1) == .delayed(50_000_000))
    }

    @Test func `relays cut, slow down and lose in one direction alone`() async throws {
        try await onOwnThread {
            let network = try RelayNetwork(nodes: 3)
            defer { network.close() }
            try network.set(LinkCondition(isCut: true), from: 0, to: 1)
            try network.set(LinkCondition(delay: 0.05), from: 1, to: 2)

            let cut = try network.measure(from: 0, to: 1)
            let back = try network.measure(from: 1, to: 0)
            let slow = try network.measure(from: 1, to: 2)

            #expect(cut.received == 0)
            #expect(back.received == back.sent && back.delayMedian < 0.03, "\(back)")
            #expect(slow.received == slow.sent && slow.delayMedian >= 0.05, "\(slow)")

            try network.set(.good, from: 0, to: 1)
            #expect(try network.measure(from: 0, to: 1).received > 90)
        }
    }

    @Test func `a relay carries a real connection, and holds it while its link is cut`() async throws {
        try await onOwnThread {
            let links = LinkTable(nodes: 2)
            let isOver = Signal()
            var (near, far): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &near) == 0)
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &far) == 0)
            defer { for descriptor in near + far { close(descriptor) } }
            let pump = LinkPump(source: near[1], target: far[0], link: (0, 1), links: links, isOver: isOver)
            let threads = ThreadGroup()
            threads.start("pump") { pump.run() }

            links.set(LinkCondition(isCut: true), from: 0, to: 1)
            try Files.append([1, 2, 3], to: near[0], path: "pump")
            var waiting = pollfd(fd: far[1], events: Int16(POLLIN), revents: 0)
            #expect(poll(&waiting, 1, 150) == 0)

            links.set(.good, from: 0, to: 1)
            #expect(poll(&waiting, 1, 5_000) == 1)
            var bytes = [UInt8](repeating: 0, count: 8)
            #expect(recv(far[1], &bytes, 8, 0) == 3)
            #expect(bytes.prefix(3) == [1, 2, 3])

            shutdown(near[0], Int32(SHUT_WR))
            #expect(threads.join(seconds: 5))
        }
    }

    @Test(.enabled(if: Machine.allowsNamespaces, "needs root, /dev/net/tun, ip and the built executable"))
    func `namespaces cut, slow down and lose real packets`() async throws {
        let probe = try #require(Machine.probe)
        try await onOwnThread {
            let network = try NamespaceNetwork(nodes: 3, probe: probe)
            defer { network.close() }
            let good = try network.measure(from: 0, to: 1)
            #expect(good.received == good.sent, "\(good)")

            try network.set(LinkCondition(isCut: true), from: 0, to: 1)
            try network.set(LinkCondition(delay: 0.05), from: 1, to: 2)
            try network.set(LinkCondition(loss: 0.3), from: 2, to: 0)

            #expect(try network.measure(from: 0, to: 1).received == 0)
            #expect(try network.measure(from: 1, to: 0).received == LinkProbe.count)
            let slow = try network.measure(from: 1, to: 2)
            #expect(slow.received == slow.sent && slow.delayMedian >= 0.05 && slow.delayMedian < 0.2, "\(slow)")
            let lossy = try network.measure(from: 2, to: 0)
            #expect(lossy.lossShare > 0.1 && lossy.lossShare < 0.5, "\(lossy)")
        }
    }

    @Test(.enabled(if: Machine.hasCompiler && Machine.probe != nil, "needs a C compiler and the built executable"))
    func `the library delays writes and shifts the clock of a process`() async throws {
        let probe = try #require(Machine.probe)
        try await onOwnThread {
            let folder = try Files.makeTemporaryFolder()
            defer { Files.removeTree(folder) }
            let control = try ProcessShim.build(in: folder).control(named: "test")
            let command = [probe, "drill-probe"]

            control.setDelay(seconds: 0.1)
            let sync = try CommandResult.require(
                command + ["sync", "\(folder)/file"],
                environment: control.environment
            )
            #expect((Int(sync.output.filter { $0.isNumber }) ?? 0) >= 200_000_000)
            #expect(control.delayedCalls >= 2)

            control.setDelay(seconds: 0)
            control.setClockShift(seconds: -7_200.5)
            let clock = try CommandResult.require(command + ["clock"], environment: control.environment)
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let shift = (Int(clock.output.filter { $0.isNumber }) ?? 0) - Int(now.tv_sec)
            #expect((-7_203...(-7_199)).contains(shift))
            #expect(control.shiftedCalls > 0)
        }
    }

    @Test func `the owner of a connection is found by its port`() throws {
        let (listener, port) = try FreePorts.listen(host: 0x7F00_0001, port: 0, backlog: 1)
        defer { close(listener) }

        #expect(ConnectionOwner.listener(port: port) == getpid())
    }
}
