import ClusterTransport
import RaftCore
import Synchronization

/// Remembers the folders of nodes, or nothing at all.
final class FolderMemory: DirectoryMemory {
    private let folders: Mutex<[NodeID: String]>
    private let isForgetful: Bool

    init(_ folders: [NodeID: String] = [:], isForgetful: Bool = false) {
        self.folders = Mutex(folders)
        self.isForgetful = isForgetful
    }

    func forget(_ node: NodeID) { self.folders.withLock { $0[node] = nil } }

    func directory(of node: NodeID) -> String? { self.folders.withLock { $0[node] } }

    func remember(_ directory: String, of node: NodeID) {
        if !self.isForgetful { self.folders.withLock { $0[node] = directory } }
    }
}
