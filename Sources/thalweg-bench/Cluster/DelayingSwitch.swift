import Foundation
import Glibc
import Synchronization

/// Carries IPv4 packets between network namespaces, each a fixed time after it was sent. Not every kernel can delay
/// packets by itself (`tc … netem`), but TUN devices are everywhere.
final class DelayingSwitch: Sendable {
    /// A packet that is under way.
    private struct Packet {
        let due: UInt64
        let target: Int
        let bytes: [UInt8]
    }

    private static let packetLimit = 65_536
    private static let readsInARow = 64
    private static let longestWait: UInt64 = 50_000_000

    private let devices: [Int32]
    private let delay: UInt64
    private let isOver = Atomic<Bool>(false)
    private let finished = DispatchSemaphore(value: 0)

    /// - Parameter devices: open TUN devices without packet information; behind the device at offset n are the
    ///   addresses that end with n + 1. They are closed at the end.
    init(_ devices: [Int32], delayNanoseconds: UInt64) {
        self.devices = devices
        self.delay = delayNanoseconds
        Thread { [self] in
            self.run()
            self.finished.signal()
        }.start()
    }

    /// Ends the thread; the networks are apart then.
    func stop() {
        guard !self.isOver.exchange(true, ordering: .relaxed) else { return }
        self.finished.wait()
        for device in self.devices { close(device) }
    }

    /// Makes a TUN device in the network this thread is in; it goes with the descriptor.
    static func openDevice(_ name: String) throws -> Int32 {
        let descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw BenchError.system("open /dev/net/tun") }
        // struct ifreq: the name in 16 bytes, then the flags IFF_TUN | IFF_NO_PI.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        request[16] = 0x01
        request[17] = 0x10
        let setInterface: UInt = 0x4004_54CA
        guard ioctl(descriptor, setInterface, &request) == 0 else {
            let error = BenchError.system("make the network device '\(name)'")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private func run() {
        // All wait for the same time, so they leave in the order in which they came.
        var packets: [Packet] = []
        var first = 0
        var buffer = [UInt8](repeating: 0, count: Self.packetLimit)
        var watched = self.devices.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while !self.isOver.load(ordering: .relaxed) {
            let now = monotonicNanoseconds()
            while first < packets.count, packets[first].due <= now {
                let packet = packets[first]
                // A device that takes nothing now loses the packet, as any network may.
                _ = packet.bytes.withUnsafeBytes { write(self.devices[packet.target], $0.baseAddress, $0.count) }
                first += 1
            }
            if first > 1_024 {
                packets.removeFirst(first)
                first = 0
            }
            var wait = first < packets.count ? packets[first].due - now : Self.longestWait
            wait = min(wait, Self.longestWait)
            guard GNUFunctions.poll(&watched, nanoseconds: wait) > 0 else { continue }
            for device in watched where device.revents != 0 { self.drain(device.fd, &buffer, &packets) }
        }
    }

    private func drain(_ device: Int32, _ buffer: inout [UInt8], _ packets: inout [Packet]) {
        for _ in 0..<Self.readsInARow {
            let count = buffer.withUnsafeMutableBytes { read(device, $0.baseAddress, $0.count) }
            guard count >= 20 else { return }
            // IPv4 alone; the last byte of the destination is at 19.
            let target = Int(buffer[19]) - 1
            guard buffer[0] >> 4 == 4, self.devices.indices.contains(target) else { continue }
            let due = monotonicNanoseconds() + self.delay
            packets.append(Packet(due: due, target: target, bytes: Array(buffer[..<count])))
        }
    }
}
