import Foundation
import Gateway
import Testing

@testable import Node

/// Runs `body` with the path of a folder that does not exist yet, and removes it behind it.
private func withFolder(_ body: (String) throws -> Void) throws {
    let parent = "\(FileManager.default.temporaryDirectory.path)/thalweg-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: parent) }
    try body("\(parent)/data")
}

/// What `body` throws as text; empty if nothing.
private func refusal(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return String(describing: error)
    }
}

private let clusterID = "9f3c01d2a4b56e78"

private func founder(
    _ node: UInt64 = 2,
    members: String = "1=10.0.0.1:9301,2=10.0.0.2:9301,3=10.0.0.3:9301",
    listen: String? = nil
) throws -> ClusterSettings {
    try ClusterSettings(
        founder: node,
        clusterID: clusterID,
        certificates: "/etc/thalweg/certificates",
        members: try ClusterSettings.members(members),
        listen: listen.flatMap { NodeAddress($0) }
    )
}

@Suite struct ClusterSettingsTests {
    @Test func `a founder's folder says who it is and opens with that identity`() throws {
        try withFolder { folder in
            let settings = try founder(listen: "0.0.0.0:9301")

            try ClusterSettings.initialize(folder: folder, settings: settings)

            #expect(try ClusterSettings.load(folder: folder) == settings)
            #expect(settings.address.description == "10.0.0.2:9301")
            #expect(settings.listen.description == "0.0.0.0:9301")
            #expect(settings.members.map(\.node) == [1, 2, 3])
            let identity = try DataFolder(path: folder).identity
            #expect(identity.clusterID == clusterID)
            #expect(identity.nodeID == 2)
            #expect(identity.directoryID != 0)
        }
    }

    @Test func `a joiner remembers the members but not itself among them`() throws {
        try withFolder { folder in
            let settings = try ClusterSettings(
                joiner: 4,
                clusterID: clusterID,
                certificates: "/c",
                address: try #require(NodeAddress("[fd00::4]:9301")),
                members: try ClusterSettings.members("2=b:1,1=a:1,4=d:1")
            )

            try ClusterSettings.initialize(folder: folder, settings: settings)

            let found = try #require(try ClusterSettings.load(folder: folder))
            #expect(found.origin == .joiner)
            #expect(found.members.map(\.node) == [1, 2])
            #expect(found.listen == found.address)
        }
    }

    @Test func `two formatted folders have different directory ids`() throws {
        var ids: [UInt64] = []
        for _ in 0..<2 {
            try withFolder { folder in
                try ClusterSettings.initialize(folder: folder, settings: try founder())
                ids.append(try DataFolder.loadIdentity(folder).directoryID)
            }
        }

        #expect(ids[0] != ids[1])
    }

    @Test func `a folder that is not there, and one of a single node, belong to no cluster`() throws {
        try withFolder { folder in
            #expect(try ClusterSettings.load(folder: folder) == nil)
            _ = try DataFolder(path: folder)
            #expect(try ClusterSettings.load(folder: folder) == nil)
        }
    }

    @Test func `an empty folder that is there already can be formatted`() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/lost+found", withIntermediateDirectories: true)

            try ClusterSettings.initialize(folder: folder, settings: try founder())

            #expect(try ClusterSettings.load(folder: folder) != nil)
        }
    }

    // MARK: Refusals

    @Test func `a formatted folder is not formatted again`() throws {
        try withFolder { folder in
            try ClusterSettings.initialize(folder: folder, settings: try founder())
            let before = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/identity"))

            let text = refusal { try ClusterSettings.initialize(folder: folder, settings: try founder(3)) }

            #expect(text.contains("formatted already, for node 2"), "\(text)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/identity")) == before)
            #expect(try ClusterSettings.load(folder: folder)?.nodeID == 2)
        }
    }

    @Test func `the data of a single node is not overwritten`() throws {
        try withFolder { folder in
            _ = try DataFolder(path: folder)

            let text = refusal { try ClusterSettings.initialize(folder: folder, settings: try founder()) }

            #expect(text.contains("data of a single node"), "\(text)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/cluster"))
        }
    }

    @Test func `a folder in use is not formatted`() throws {
        try withFolder { folder in
            let open = try DataFolder(path: folder)
            try FileManager.default.removeItem(atPath: "\(folder)/identity")

            let text = refusal { try ClusterSettings.initialize(folder: folder, settings: try founder()) }

            #expect(text.contains("another process uses it"), "\(text)")
            withExtendedLifetime(open) {}
        }
    }

    @Test func `a formatting that was interrupted is not taken for a single node, and can be repeated`() throws {
        try withFolder { folder in
            try ClusterSettings.initialize(folder: folder, settings: try founder())
            try FileManager.default.removeItem(atPath: "\(folder)/identity")

            #expect(refusal { _ = try ClusterSettings.load(folder: folder) }.contains("interrupted"))
            #expect(refusal { _ = try DataFolder(path: folder) }.contains("interrupted"))

            try ClusterSettings.initialize(folder: folder, settings: try founder(3))
            #expect(try ClusterSettings.load(folder: folder)?.nodeID == 3)
        }
    }

    @Test func `a node that lost its settings does not run as a server of its own`() throws {
        try withFolder { folder in
            try ClusterSettings.initialize(folder: folder, settings: try founder())
            try FileManager.default.removeItem(atPath: "\(folder)/cluster")

            #expect(refusal { _ = try DataFolder(path: folder) }.contains("replace the node"))
            #expect(!refusal { try ClusterSettings.initialize(folder: folder, settings: try founder()) }.isEmpty)
        }
    }

    @Test func `files of two nodes in one folder are noticed`() throws {
        try withFolder { folder in
            try ClusterSettings.initialize(folder: folder, settings: try founder())
            try Data("\(clusterID) 3 ab\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/identity"))

            #expect(refusal { _ = try ClusterSettings.load(folder: folder) }.contains("mixed up"))
        }
    }

    @Test(arguments: [
        ("", "Expected a member like"), ("1", "Expected a member like"), ("1=", "Expected a member like"),
        ("1=host", "Expected a member like"), ("1=host:0", "Expected a member like"),
        ("0=host:1", "Expected a member like"), ("01=host:1", "Expected a member like"),
        ("x=host:1", "Expected a member like"), ("2147483648=host:1", "Expected a member like"),
        ("1=a:1,,2=b:1", "Expected a member like"), ("1=a:1,3=c:1", "among the members"),
        ("2=a:1,2=b:1", "Expected every node once"), ("1=a:1,2=A:1", "an address of its own"),
        ("1=0.0.0.0:1,2=b:1", "--listen"), ("1=a:1,2=[::]:1", "--listen"),
    ])
    func `members that cannot be right are refused`(_ members: String, _ expected: String) {
        let text = refusal { _ = try founder(members: members) }

        #expect(text.contains(expected), "\(text)")
    }

    @Test func `too many members are refused`() {
        let many = (1...65).map { "\($0)=h\($0):1" }.joined(separator: ",")

        #expect(refusal { _ = try ClusterSettings.members(many) }.contains("at most 64"))
    }

    @Test(arguments: ["", "9f3c01d2a4b56e7", "9F3C01D2A4B56E78", "9f3c01d2a4b56e7g"])
    func `a wrong cluster id is refused`(_ id: String) {
        let text = refusal {
            _ = try ClusterSettings(
                founder: 1,
                clusterID: id,
                certificates: "/c",
                members: try ClusterSettings.members("1=a:1")
            )
        }

        #expect(text.contains("16 hexadecimal digits"), "\(text)")
    }

    @Test func `a certificate of another cluster or node is refused`() throws {
        let settings = try founder()

        #expect(refusal { try settings.check(certificateCluster: clusterID, certificateNode: 2) }.isEmpty)
        #expect(
            refusal { try settings.check(certificateCluster: "0000000000000001", certificateNode: 2) }
                .contains("of cluster 0000000000000001")
        )
        #expect(
            refusal { try settings.check(certificateCluster: clusterID, certificateNode: 3) }.contains("of node 3")
        )
    }

    @Test(arguments: [(1, true), (2, true), (3, false), (4, true), (5, false), (6, true), (7, false), (9, true)])
    func `an unwise number of founders gets a warning`(_ count: Int, _ isWarned: Bool) throws {
        let members = (1...count).map { "\($0)=h\($0):1" }.joined(separator: ",")

        #expect(try founder(1, members: members).warnings.isEmpty == !isWarned)
    }

    // MARK: The file

    @Test func `the file of version 1 is read`() throws {
        let text = """
            {"version":1,"clusterId":"9f3c01d2a4b56e78","nodeId":1,"origin":"founder","certificates":"/etc/c",\
            "address":"10.0.0.1:9301","listen":"0.0.0.0:9301","members":[{"nodeId":1,"address":"10.0.0.1:9301"}]}
            """
        let settings = try ClusterSettings(bytes: Array(text.utf8), path: "cluster")

        #expect(String(decoding: settings.encoded(), as: UTF8.self) == text)
    }

    @Test(arguments: [
        ("\"version\":1", "\"version\":2", "newer version"), ("\"version\":1", "\"version\":0", "version 0"),
        ("\"version\":1,", "", "'version'"),
        ("\"nodeId\":2,\"origin\"", "\"nodeId\":7,\"origin\"", "among the founders"),
        ("\"nodeId\":2,\"origin\"", "\"nodeId\":-2,\"origin\"", "node id"), ("founder", "guest", "'guest'"),
        ("\"10.0.0.1:9301\"", "\"10.0.0.1\"", "HOST:PORT"),
        ("\"certificates\":\"/", "\"certificates\":\"", "whole path"),
        ("\"origin\"", "\"extra\":1,\"origin\"", "'extra'"), ("\"listen\"", "\"listens\"", "'listen'"),
        ("{\"nodeId\":3", "{\"x\":1,\"nodeId\":3", "'x'"), ("}]}", "}]", "Expected"),
        ("{\"version\"", "[{\"version\"", "Expected"),
    ])
    func `a damaged file is refused with its name`(_ old: String, _ new: String, _ expected: String) throws {
        try withFolder { folder in
            try ClusterSettings.initialize(folder: folder, settings: try founder())
            let file = URL(fileURLWithPath: "\(folder)/cluster")
            let text = try String(contentsOf: file, encoding: .utf8)
            let changed = text.replacingOccurrences(of: old, with: new)
            #expect(changed != text)
            try Data(changed.utf8).write(to: file)

            let refused = refusal { _ = try ClusterSettings.load(folder: folder) }

            #expect(refused.contains(expected) && refused.contains("\(folder)/cluster"), "\(refused)")
        }
    }

    @Test func `a huge file is refused`() throws {
        try withFolder { folder in
            try ClusterSettings.initialize(folder: folder, settings: try founder())
            try Data(repeating: 32, count: 100_000).write(to: URL(fileURLWithPath: "\(folder)/cluster"))

            #expect(refusal { _ = try ClusterSettings.load(folder: folder) }.contains("at most 65536 bytes"))
        }
    }
}
