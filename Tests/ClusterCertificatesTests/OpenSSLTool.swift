import ClusterCertificates
import Foundation

/// The `openssl` program, which shares no code with ours but the library.
enum OpenSSLTool {
    struct Outcome: Sendable {
        var status: Int32
        var text: String
    }

    static func run(_ arguments: String...) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, text: String(decoding: bytes, as: UTF8.self))
    }
}

/// A folder that is gone when the test has ended.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: self(name))) }

    func write(_ name: String, _ bytes: Data) throws { try bytes.write(to: URL(filePath: self(name))) }

    func copy(_ from: String, to name: String) throws {
        try? FileManager.default.removeItem(atPath: self(name))
        try FileManager.default.copyItem(atPath: self(from), toPath: self(name))
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self(name)) }

    func mode(_ name: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: self(name))[.posixPermissions] as? Int ?? -1
    }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: self(name))
    }

    /// An authority in `ca` and node 3 of it in `node`.
    static func withNode(seconds: Int64 = 86_400 * 365) throws -> ScratchFolder {
        let folder = try ScratchFolder()
        _ = try ClusterAuthority.create(
            in: folder("ca"),
            clusterID: try ClusterIdentifier("00112233aabbccdd"),
            validity: Validity(now: UTCTime.now(), seconds: 86_400 * 3_650)
        )
        _ = try ClusterAuthority.createNode(
            3,
            hosts: [try HostName("db3.example.com"), try HostName("10.0.0.3"), try HostName("fd00::3")],
            authorityFolder: folder("ca"),
            in: folder("node"),
            validity: Validity(now: UTCTime.now(), seconds: seconds)
        )
        return folder
    }
}
