import Foundation
import Glibc

/// Carries packets between the namespaces of a drill and loses or delays them as told. Works on the kernel's own
/// packets through TUN devices, so nodes see what they would see on a bad network.
///
/// Unchecked: everything but the link table is used by the switch's own thread alone, or before it starts.
final class PacketSwitch: @unchecked Sendable {
    /// A packet that is still under way.
    private struct Held {
        var due: Int64
        var port: Int
        var bytes: [UInt8]
    }

    private static let packetLimit = 65_536
    /// Packets under way at once; more are lost, as on every real link.
    private static let heldLimit = 100_000

    private let descriptors: [Int32]
    /// By last byte of the address: the port.
    private let ports: [UInt8: Int]
    private let links: LinkTable
    private let isOver = Signal()
    private let threads = ThreadGroup()
    private var held: [Held] = []
    private var buffer = [UInt8](repeating: 0, count: PacketSwitch.packetLimit)

    /// - Parameters:
    ///   - descriptors: open TUN devices; those of the nodes first, in order.
    ///   - lastBytes: the last byte of the IPv4 address behind each device.
    ///   - links: conditions between nodes; other ports are always good.
    init(descriptors: [Int32], lastBytes: [UInt8], links: LinkTable) {
        self.descriptors = descriptors
        self.links = links
        self.ports = Dictionary(uniqueKeysWithValues: zip(lastBytes, descriptors.indices))
        self.threads.start("switch") { self.run() }
    }

    func stop() {
        self.isOver.set()
        self.threads.join(seconds: 2)
    }

    private func run() {
        var watched = self.descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while !self.isOver.value {
            let wait = self.held.first.map { max(0, $0.due - DrillClock.nanoseconds()) } ?? 50_000_000
            // Rounded up: never busy, at most a millisecond late.
            let milliseconds = Int32((min(wait, 50_000_000) + 999_999) / 1_000_000)
            let count = poll(&watched, nfds_t(watched.count), milliseconds)
            self.release()
            guard count > 0 else { continue }
            for port in watched.indices where watched[port].revents != 0 { self.drain(port) }
        }
    }

    /// Reads what is there on one device; not endlessly, so that all get their turn.
    private func drain(_ port: Int) {
        for _ in 0..<64 {
            let count = self.buffer.withUnsafeMutableBytes { read(self.descriptors[port], $0.baseAddress, $0.count) }
            guard count >= 20 else { return }
            // IPv4 alone; source and destination are at bytes 12 and 16.
            guard self.buffer[0] >> 4 == 4, let target = self.ports[self.buffer[19]] else { continue }
            switch self.fate(from: port, to: target) {
            case .dropped: continue
            case .passed: self.forward(count, to: target)
            case .delayed(let nanoseconds):
                self.hold(Array(self.buffer[..<count]), to: target, due: DrillClock.nanoseconds() + nanoseconds)
            }
        }
    }

    private func fate(from: Int, to: Int) -> LinkTable.Fate {
        let nodes = self.descriptors.count - 1
        return from < nodes && to < nodes ? self.links.fate(from: from, to: to) : .passed
    }

    private func forward(_ count: Int, to port: Int) {
        _ = self.buffer.withUnsafeBytes { write(self.descriptors[port], $0.baseAddress, count) }
    }

    /// Keeps the order of what is due: almost always at the end.
    private func hold(_ bytes: [UInt8], to port: Int, due: Int64) {
        guard self.held.count < Self.heldLimit else { return }
        var index = self.held.endIndex
        while index > 0, self.held[index - 1].due > due { index -= 1 }
        self.held.insert(Held(due: due, port: port, bytes: bytes), at: index)
    }

    private func release() {
        guard let first = self.held.first else { return }
        let now = DrillClock.nanoseconds()
        guard first.due <= now else { return }
        let end = self.held.firstIndex { $0.due > now } ?? self.held.endIndex
        for packet in self.held[..<end] {
            _ = packet.bytes.withUnsafeBytes { write(self.descriptors[packet.port], $0.baseAddress, $0.count) }
        }
        self.held.removeSubrange(..<end)
    }
}
