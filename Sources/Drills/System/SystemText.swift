import Glibc

/// Small things that the system knows as text.
enum SystemText {
    /// The system's words for an error number.
    static func message(_ number: Int32) -> String { String(cString: strerror(number)) }

    /// The executable this process runs.
    static func ownExecutable() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw DrillFailure.system("find this program's own file", errno) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A variable of the environment.
    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// All variables of the environment, as `NAME=VALUE`.
    static func environment() -> [String] {
        (Files.contents("/proc/self/environ") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Where an executable lies, if it is on the usual paths.
    static func tool(_ name: String) -> String? {
        let paths = (Self.environment("PATH") ?? "").split(separator: ":").map { String($0) }
        return (paths + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]).map { "\($0)/\(name)" }.first {
            access($0, X_OK) == 0
        }
    }
}
