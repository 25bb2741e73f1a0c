package import RaftCore

/// Remembers which data folder each member of the cluster has, beyond the end of the process: one that was formatted
/// anew has forgotten what its node promised, and must not come back under its identifier. Used by the transport's
/// thread.
package protocol DirectoryMemory: Sendable {
    /// The folder that is known of a node; nil for one that was not seen yet, or was forgotten.
    func directory(of node: NodeID) -> String?
    /// A node with this folder is accepted. Returns once that is durable, or is not worth keeping; a sync of the disk
    /// at most, and none for what is known.
    func remember(_ directory: String, of node: NodeID)
}
