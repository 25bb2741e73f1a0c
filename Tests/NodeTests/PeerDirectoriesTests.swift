import Foundation
import Logging
import RaftCore
import Testing

@testable import Node

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs `body` with a folder that is removed behind it.
private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "\(FileManager.default.temporaryDirectory.path)/thalweg-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

private func members(_ nodes: UInt64...) -> Set<NodeID> { Set(nodes.map { NodeID($0) }) }

@Suite struct PeerDirectoriesTests {
    @Test func `what was seen of members is known after a new start`() throws {
        try withFolder { folder in
            let first = try PeerDirectories(folder: folder, logger: quiet)
            first.setMembers(members(1, 2, 3))
            first.remember("aa", of: NodeID(2))
            first.remember("b\"\n", of: NodeID(3))
            first.remember("cc", of: NodeID(9))

            let second = try PeerDirectories(folder: folder, logger: quiet)

            #expect(second.directory(of: NodeID(2)) == "aa")
            #expect(second.directory(of: NodeID(3)) == "b\"\n")
            #expect(second.directory(of: NodeID(9)) == nil)
        }
    }

    @Test func `a removed member is forgotten for good`() throws {
        try withFolder { folder in
            let first = try PeerDirectories(folder: folder, logger: quiet)
            // Before a joining node knows the members, everybody may be one.
            first.remember("aa", of: NodeID(2))
            first.remember("bb", of: NodeID(3))

            first.setMembers(members(1, 2))

            #expect(first.directory(of: NodeID(3)) == nil)
            let second = try PeerDirectories(folder: folder, logger: quiet)
            #expect(second.directory(of: NodeID(2)) == "aa")
            #expect(second.directory(of: NodeID(3)) == nil)
        }
    }

    @Test func `what cannot be written at first is written with the next connection`() throws {
        try withFolder { folder in
            let first = try PeerDirectories(folder: folder, logger: quiet)
            try FileManager.default.createDirectory(atPath: "\(folder)/peers.new", withIntermediateDirectories: true)
            first.remember("aa", of: NodeID(2))
            #expect(first.directory(of: NodeID(2)) == "aa")
            #expect(try PeerDirectories(folder: folder, logger: quiet).directory(of: NodeID(2)) == nil)
            try FileManager.default.removeItem(atPath: "\(folder)/peers.new")

            first.remember("aa", of: NodeID(2))

            #expect(try PeerDirectories(folder: folder, logger: quiet).directory(of: NodeID(2)) == "aa")
        }
    }

    @Test(arguments: [
        "", "nonsense", #"{"version":2,"members":[]}"#, #"{"version":1,"members":[{"nodeId":-1,"directory":"a"}]}"#,
        #"{"version":1,"members":[{"nodeId":1,"directory":""}]}"#,
        #"{"version":1,"members":[{"nodeId":1,"directory":"a"},{"nodeId":1,"directory":"b"}]}"#,
        String(repeating: " ", count: 70_000),
    ])
    func `a damaged file keeps the node from starting, and says what to do`(_ text: String) throws {
        try withFolder { folder in
            try text.write(toFile: "\(folder)/peers", atomically: true, encoding: .utf8)

            let error = #expect(throws: DataFolderError.self) { try PeerDirectories(folder: folder, logger: quiet) }

            #expect(error?.description.contains("\(folder)/peers") == true)
        }
    }
}
