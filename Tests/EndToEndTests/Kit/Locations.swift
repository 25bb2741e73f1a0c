import Foundation

/// Where things are.
enum Locations {
    /// The package's root folder.
    static let package: String = {
        var parts = #filePath.split(separator: "/")
        parts.removeLast(4)
        return "/" + parts.joined(separator: "/")
    }()

    /// The folder of the built products, next to the running test bundle.
    static let products: String = {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" }
    }()

    /// The server and command line client under test; another one with `THALWEG_BINARY`.
    static let binary = ProcessInfo.processInfo.environment["THALWEG_BINARY"] ?? "\(products)/thalweg"

    /// A model of the examples.
    static func example(_ name: String) -> String { "\(package)/docs/examples/\(name).bpmn" }

    /// A model that only these tests use.
    static func model(_ name: String) -> String { "\(package)/Tests/EndToEndTests/Models/\(name).bpmn" }

    /// The bytes of a file.
    static func contents(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else { throw Failure("Expected a file at \(path)") }
        return Array(data)
    }

    /// Makes a new, empty folder.
    static func temporaryFolder() throws -> String {
        let path = "\(FileManager.default.temporaryDirectory.path)/thalweg-test-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
