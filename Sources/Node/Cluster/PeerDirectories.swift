import ClusterTransport
import Glibc
import JSON
import Logging
import RaftCore
import Synchronization

/// The file `peers` of a data folder: which data folder each other member has, as it was first seen. Written whole when
/// a member is first accepted, and when one is removed.
///
/// ```json
/// {"version":1,"members":[{"nodeId":2,"directory":"5f0c6a7d91e2b348"}]}
/// ```
final class PeerDirectories: DirectoryMemory {
    private struct State {
        var known: [NodeID: String]
        /// Nil before they are known: a node that joins is told by its first snapshot.
        var members: Set<NodeID>?
        /// Whether the file says what is known.
        var isWritten = true
    }

    static let fileName = "peers"
    private static let version: Int64 = 1
    private static let bytesLimit = 64 << 10

    private let folder: String
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: `DataFolderError` if the file is damaged: without it a node that lost its disk could come back.
    init(folder: String, logger: Logger) throws {
        self.folder = folder
        self.logger = logger
        state = Mutex(State(known: try PeerDirectories.load(folder)))
    }

    func directory(of node: NodeID) -> String? { state.withLock { $0.known[node] } }

    func remember(_ directory: String, of node: NodeID) {
        state.withLock { state in
            // Whoever is no member, or not yet, has promised nothing that counts.
            guard state.members?.contains(node) ?? true else { return }
            if state.known[node] != directory {
                state.known[node] = directory
                state.isWritten = false
            }
            write(&state)
        }
    }

    /// Forgets those who are members no more.
    func setMembers(_ members: Set<NodeID>) {
        state.withLock { state in
            state.members = members
            let kept = state.known.filter { members.contains($0.key) }
            guard kept.count < state.known.count else { return }
            state.known = kept
            state.isWritten = false
            write(&state)
        }
    }

    /// What cannot be written now is tried again with the next connection; the node goes on without.
    private func write(_ state: inout State) {
        guard !state.isWritten else { return }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", PeerDirectories.version)
        writer.key("members")
        writer.beginArray()
        for (node, directory) in state.known.sorted(by: { $0.key < $1.key }) {
            writer.beginObject()
            writer.member("nodeId", node.rawValue)
            writer.member("directory", directory)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        do {
            let text = String(decoding: writer.bytes, as: UTF8.self) + "\n"
            try DataFolder.writeDurably(text, to: PeerDirectories.fileName, in: folder)
            state.isWritten = true
        } catch {
            logger.warning("the data folders of the other nodes cannot be kept now", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Reading

    private static func load(_ folder: String) throws -> [NodeID: String] {
        let path = "\(folder)/\(fileName)"
        guard let bytes = try DataFolder.readFile(path, limit: bytesLimit) else { return [:] }
        guard let document = try? JSONParser.parse(bytes, limits: JSONLimits(depth: 4)).objectValue,
            document["version"]?.int64Value == version, let members = document["members"]?.arrayValue
        else { throw damaged(path) }
        var known: [NodeID: String] = [:]
        for member in members {
            guard let number = member.objectValue?["nodeId"]?.int64Value, let node = UInt64(exactly: number),
                let directory = member.objectValue?["directory"]?.stringValue, !directory.isEmpty,
                known.updateValue(directory, forKey: NodeID(node)) == nil
            else { throw damaged(path) }
        }
        return known
    }

    private static func damaged(_ path: String) -> DataFolderError {
        DataFolderError(
            "Expected the data folders of the other nodes in '\(path)', but got something else; restore the file from "
                + "a backup, or delete it if no other node has lost its disk since this one ran"
        )
    }
}
