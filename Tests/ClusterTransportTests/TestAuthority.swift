import Foundation
import Synchronization
import Testing

/// A CA and certificates of nodes in a temporary folder, made with the `openssl` program. The folder goes with it.
final class TestAuthority: Sendable {
    /// The one that most tests use: each run of the program costs time.
    static let shared = Result { try TestAuthority() }

    let clusterID: String
    let folder: String
    private let ordinary = Mutex<[UInt64: String]>([:])

    init(clusterID: String = "00000000000000aa") throws {
        self.clusterID = clusterID
        self.folder = NSTemporaryDirectory() + "thalweg-transport-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        try Self.openssl(
            ["req", "-x509"] + Self.newKey(self.folder + "/ca.key")
                + [
                    "-out", self.folder + "/ca.pem", "-days", "30", "-subj", "/CN=Thalweg \(UUID().uuidString)",
                    "-addext", "subjectAltName=URI:thalweg://\(clusterID)",
                    "-addext", "basicConstraints=critical,CA:TRUE",
                ]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    /// A folder with the ordinary certificate of a node, to be read only.
    func ordinaryCertificates(of node: UInt64) throws -> String {
        try self.ordinary.withLock { folders in
            if let folder = folders[node] { return folder }
            let folder = try self.certificates(of: node)
            folders[node] = folder
            return folder
        }
    }

    /// Makes a folder with `node.pem`, `node.key` and `ca.pem`.
    ///
    /// - Parameters:
    ///   - name: the URI in the certificate, if not the usual one of the node.
    ///   - days: how long it is valid; negative for one that has expired.
    func certificates(of node: UInt64, name: String? = nil, days: Int = 30) throws -> String {
        let target = self.folder + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try self.issue(node, name: name, days: days, in: target)
        return target
    }

    /// Writes a new key and certificate into the folder.
    func issue(_ node: UInt64, name: String? = nil, days: Int = 30, in target: String) throws {
        let uri = name ?? "thalweg://\(self.clusterID)/node/\(node)"
        let names = uri.isEmpty ? "DNS:localhost" : "URI:\(uri),DNS:localhost"
        let extensions = "subjectAltName=\(names)\nextendedKeyUsage=serverAuth,clientAuth\n"
        try extensions.write(toFile: target + "/names", atomically: true, encoding: .utf8)
        try Self.openssl(
            ["req", "-new"] + Self.newKey(target + "/node.key")
                + ["-out", target + "/request.pem", "-subj", "/CN=node \(node)"]
        )
        try Self.openssl([
            "x509", "-req", "-in", target + "/request.pem", "-CA", self.folder + "/ca.pem", "-CAkey",
            self.folder + "/ca.key", "-days", "\(days)", "-out", target + "/node.pem", "-extfile", target + "/names",
        ])
        try? FileManager.default.removeItem(atPath: target + "/ca.pem")
        try FileManager.default.copyItem(atPath: self.folder + "/ca.pem", toPath: target + "/ca.pem")
    }

    private static func newKey(_ path: String) -> [String] {
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl: \(String(decoding: text, as: UTF8.self))")
    }
}
