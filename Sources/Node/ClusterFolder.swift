import Gateway
import Glibc
import JSON

/// The file `cluster` of a data folder: written once, when the folder is formatted for a cluster.
///
/// ```json
/// {"version":1,"clusterId":"9f3c01d2a4b56e78","nodeId":1,"origin":"founder","certificates":"/etc/thalweg/certs",
///  "address":"10.0.0.1:9301","listen":"0.0.0.0:9301","members":[{"nodeId":1,"address":"10.0.0.1:9301"}]}
/// ```
///
/// Formatting writes this file first and `identity` last. A folder with the first and without the second was never
/// used, and may be formatted again.
extension ClusterSettings {
    /// The layout this version writes. It reads this one only.
    package static let version: Int64 = 1
    package static let fileName = "cluster"
    private static let bytesLimit = 64 << 10

    /// What a folder says about its cluster; nil if it is that of a single node, or not there yet.
    ///
    /// - Throws: `DataFolderError` if the file is damaged, does not fit the folder's identity, or is newer.
    package static func load(folder: String) throws -> ClusterSettings? {
        let path = "\(folder)/\(fileName)"
        guard let bytes = try DataFolder.readFile(path, limit: bytesLimit) else { return nil }
        let settings = try ClusterSettings(bytes: bytes, path: path)
        guard DataFolder.isFormatted(folder) else {
            throw DataFolderError(
                "Expected a formatted data folder, but the formatting of '\(folder)' was interrupted; run the same "
                    + "'thalweg cluster' command again"
            )
        }
        let identity = try DataFolder.loadIdentity(folder)
        guard identity.clusterID == settings.clusterID, identity.nodeID == settings.nodeID else {
            throw DataFolderError(
                "Expected '\(folder)' to be of one node, but '\(path)' names node \(settings.nodeID) of cluster "
                    + "\(settings.clusterID), and 'identity' names node \(identity.nodeID) of cluster "
                    + "\(identity.clusterID); files of two folders are mixed up"
            )
        }
        return settings
    }

    /// Formats a data folder that is new or empty. All or nothing, whatever happens meanwhile.
    ///
    /// - Throws: `DataFolderError` if the folder holds data, is in use, or cannot be written.
    package static func initialize(folder: String, settings: ClusterSettings) throws {
        try settings.check()
        try DataFolder.makeFolder(folder)
        let lock = try DataFolder.lockFolder(folder)
        defer { close(lock) }
        try checkUnused(folder)
        try DataFolder.checkFormat(folder)
        let text = String(decoding: settings.encoded(), as: UTF8.self) + "\n"
        try DataFolder.writeDurably(text, to: fileName, in: folder)
        try DataFolder.writeIdentity(folder, cluster: settings.clusterID, node: settings.nodeID, isOfCluster: true)
    }

    /// Whether a folder is formatted for a cluster. One whose formatting was interrupted is not.
    package static func isComplete(_ folder: String) throws -> Bool {
        guard DataFolder.isFormatted(folder) else { return false }
        return try load(folder: folder) != nil
    }

    /// Says why a folder cannot be formatted, without touching it.
    package static func checkUnused(_ folder: String) throws {
        guard DataFolder.isFormatted(folder) || access("\(folder)/log", F_OK) == 0 else { return }
        if let settings = try? load(folder: folder) {
            throw DataFolderError(
                "Expected a new or empty data folder, but '\(folder)' is formatted already, for node "
                    + "\(settings.nodeID) "
                    + "of cluster \(settings.clusterID); start it with: thalweg serve --data \(folder)"
            )
        }
        throw DataFolderError(
            "Expected a new or empty data folder, but '\(folder)' holds the data of a single node; give another folder "
                + "with --data"
        )
    }

    /// A path as seen from the root, so that it stays right when the node is started elsewhere.
    package static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else {
            throw DataFolderError("Expected a current folder, but got: \(DataFolder.lastError())")
        }
        defer { free(current) }
        return "\(String(cString: current))/\(path)"
    }

    func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", Self.version)
        writer.member("clusterId", clusterID)
        writer.member("nodeId", nodeID)
        writer.member("origin", origin.rawValue)
        writer.member("certificates", certificates)
        writer.member("address", address.description)
        writer.member("listen", listen.description)
        writer.key("members")
        writer.beginArray()
        for member in members {
            writer.beginObject()
            writer.member("nodeId", member.node)
            writer.member("address", member.address.description)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

// MARK: - Reading

extension ClusterSettings {
    /// - Throws: `DataFolderError` that names the file and what is wrong in it.
    init(bytes: [UInt8], path: String) throws {
        do {
            self = try Self.parsed(try JSONParser.parse(bytes, limits: JSONLimits(depth: 4)))
            try check()
        } catch {
            throw DataFolderError("\(error) (in '\(path)'; restore the file, or replace the node)")
        }
    }

    private static func parsed(_ document: JSONValue) throws -> ClusterSettings {
        var fields = try StrictFields(document, name: "the settings")
        let version = try fields.integer("version")
        guard version <= Self.version else {
            throw DataFolderError(
                "Expected settings of version \(Self.version), but got version \(version), which a newer version of "
                    + "Thalweg wrote"
            )
        }
        guard version == Self.version else {
            throw DataFolderError("Expected settings of version \(Self.version), but got version \(version)")
        }
        var settings = ClusterSettings(
            clusterID: try fields.string("clusterId"),
            nodeID: try fields.node("nodeId"),
            certificates: try fields.string("certificates"),
            address: try fields.address("address"),
            listen: try fields.address("listen")
        )
        let origin = try fields.string("origin")
        guard let known = Origin(rawValue: origin) else {
            throw DataFolderError("Expected 'founder' or 'joiner' as 'origin', but got '\(origin.prefix(32))'")
        }
        settings.origin = known
        for item in try fields.array("members") {
            var member = try StrictFields(item, name: "a member")
            settings.members.append(
                ClusterMember(node: try member.node("nodeId"), address: try member.address("address"))
            )
            try member.end()
        }
        try fields.end()
        return settings
    }

    private init(
        clusterID: String,
        nodeID: UInt64,
        certificates: String,
        address: NodeAddress,
        listen: NodeAddress
    ) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.certificates = certificates
        self.address = address
        self.listen = listen
        origin = .founder
        members = []
    }
}

/// The members of a JSON object, each read once; what is left over at the end is refused.
private struct StrictFields {
    private let name: String
    private let object: JSONObject
    private var read: [String] = []

    init(_ value: JSONValue, name: String) throws {
        guard let object = value.objectValue else {
            throw DataFolderError("Expected an object for \(name), but got \(value.kindName)")
        }
        self.name = name
        self.object = object
    }

    private mutating func value(_ key: String) -> JSONValue {
        read.append(key)
        return object[key] ?? .null
    }

    private func mismatch(_ expected: String, _ key: String, _ value: JSONValue) -> DataFolderError {
        DataFolderError("Expected \(expected) for '\(key)' of \(name), but got \(value.kindName)")
    }

    mutating func string(_ key: String) throws -> String {
        let value = value(key)
        guard let text = value.stringValue else { throw mismatch("a string", key, value) }
        return text
    }

    mutating func integer(_ key: String) throws -> Int64 {
        let value = value(key)
        guard let number = value.int64Value else { throw mismatch("a whole number", key, value) }
        return number
    }

    mutating func node(_ key: String) throws -> UInt64 {
        let number = try integer(key)
        guard let node = UInt64(exactly: number), ClusterSettings.nodeIDs.contains(node) else {
            throw DataFolderError("Expected a node id for '\(key)' of \(name), but got \(number)")
        }
        return node
    }

    mutating func address(_ key: String) throws -> NodeAddress {
        let text = try string(key)
        guard let address = NodeAddress(text) else {
            throw DataFolderError("Expected HOST:PORT for '\(key)' of \(name), but got '\(text.prefix(80))'")
        }
        return address
    }

    mutating func array(_ key: String) throws -> [JSONValue] {
        let value = value(key)
        guard let elements = value.arrayValue else { throw mismatch("an array", key, value) }
        guard elements.count <= ClusterSettings.memberLimit else {
            throw DataFolderError("Expected at most \(ClusterSettings.memberLimit) members, but got \(elements.count)")
        }
        return elements
    }

    func end() throws {
        guard let key = object.keys.first(where: { !read.contains($0) }) else { return }
        throw DataFolderError("Expected no '\(key.prefix(32))' in \(name)")
    }
}
