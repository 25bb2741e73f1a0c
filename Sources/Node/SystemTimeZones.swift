import FEEL
import Glibc
import Synchronization

/// The time zones of the operating system, read from `/usr/share/zoneinfo` when they are first asked for.
package final class SystemTimeZones: TimeZoneRules {
    private static let folder = "/usr/share/zoneinfo"
    private static let zoneLimit = 1_024
    private static let fileLimit = 256 << 10
    private let zones = Mutex<[String: TZifZone?]>([:])
    private let fixed = FixedOffsetRules()

    package init() {}

    package func offsetSeconds(zone: String, utcEpochSeconds: Int64) -> Int? {
        fixed.offsetSeconds(zone: zone, utcEpochSeconds: utcEpochSeconds)
            ?? rules(zone)?.offsetSeconds(zone: zone, utcEpochSeconds: utcEpochSeconds)
    }

    package func offsetSeconds(zone: String, localEpochSeconds: Int64) -> Int? {
        fixed.offsetSeconds(zone: zone, localEpochSeconds: localEpochSeconds)
            ?? rules(zone)?.offsetSeconds(zone: zone, localEpochSeconds: localEpochSeconds)
    }

    private func rules(_ name: String) -> TZifRules? {
        let zone: TZifZone? = zones.withLock { known in
            if let found = known[name] { return found }
            if known.count >= SystemTimeZones.zoneLimit { known.removeAll() }
            let loaded = SystemTimeZones.load(name)
            known[name] = .some(loaded)
            return loaded
        }
        return zone.map { TZifRules([name: $0]) }
    }

    private static func load(_ name: String) -> TZifZone? {
        let isName = !name.isEmpty && name.utf8.count <= 64 && name.utf8.first.map { $0 > 64 } == true
        guard isName, !name.contains(".."), name.utf8.allSatisfy({ isAllowed($0) }) else { return nil }
        let descriptor = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: fileLimit)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return TZifZone(bytes: Array(bytes[..<count]))
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
