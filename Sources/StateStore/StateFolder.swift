/// The generations of a group's state: `state/<group>/<generation>/state.db`, and the history that belongs to each,
/// `history/<group>/<generation>/`. A group begins with generation 0; a received snapshot becomes the next one.
///
/// Which generation is in use is not told here: the group's log knows, and changes it together with the snapshot it
/// belongs to. So the folders of a new generation are put in place before, whole and durable, and the old one stays as
/// it is; whatever the log does not name is garbage, which `removeAll(except:)` deletes at the next start.
///
/// ```
/// state/1/0/state.db        in use
/// state/1/1/state.db        installed; in use once the log says so
/// state/1/incoming/         files that are being received
/// state/1/outgoing-7/       files that are being sent
/// state/1/1.new/            half made
/// ```
package struct StateFolder: Hashable, Sendable {
    package let group: UInt32
    /// The folder of the group.
    package let path: String
    /// The history folder of the data folder; nil for a group without history.
    package let historyPath: String?

    /// Makes the folders that are missing.
    /// - Parameters:
    ///   - path: the state folder of the data folder, which exists; each group has a folder in it.
    ///   - historyPath: the history folder of the data folder, which exists; nil for a group without history.
    /// - Throws: `FolderError`.
    package init(path: String, historyPath: String?, group: UInt32) throws {
        self.group = group
        self.path = "\(path)/\(group)"
        self.historyPath = historyPath
        try Folder.make(self.path)
        if let historyPath { try Folder.make("\(historyPath)/\(group)") }
    }

    package func path(of generation: UInt64) -> String { "\(self.path)/\(generation)" }

    /// Names the database of a generation.
    package func file(of generation: UInt64, vfs: String? = nil) -> StateFile {
        StateFile(path: "\(self.path(of: generation))/\(StateFile.name)", vfs: vfs)
    }

    /// Opens the state of a generation.
    /// - Parameter mayCreate: whether a state that is not there is made. Only true when the group's log is new as well:
    ///   else an empty state would stand for one that was lost.
    /// - Throws: `StateStoreError` (`missing`) if there is none, and as `SQLiteState.init`.
    package func open(_ generation: UInt64, mayCreate: Bool, options: StateOptions = StateOptions()) throws
        -> SQLiteState
    {
        let folder = self.path(of: generation)
        if mayCreate { try Folder.make(folder) }
        guard try mayCreate || Folder.size(of: self.file(of: generation).path) != nil else {
            throw StateStoreError(
                .missing,
                "Expected the state of group \(self.group) at '\(self.file(of: generation).path)', but got none: "
                    + "the data folder is not complete. Put the file back, or let this node join anew with an "
                    + "empty folder."
            )
        }
        return try SQLiteState(folder: folder, options: options)
    }

    /// Opens the history of a generation, and makes it if there is none; nil for a group without history.
    /// - Throws: as `HistoryFolder.init`.
    package func openHistory(_ generation: UInt64) throws -> HistoryFolder? {
        try self.historyPath.map { try HistoryFolder(path: $0, group: self.group, generation: generation) }
    }

    /// Generations that are there, by number.
    package func generations() throws -> [UInt64] { try Folder.names(in: self.path).compactMap { UInt64($0) }.sorted() }

    /// Deletes all other generations, and what was being received or sent. For the start, and after a change of
    /// generation once nobody reads the old one any more.
    /// - Throws: `FolderError`.
    package func removeAll(except current: UInt64) throws {
        try Self.remove(in: self.path, except: current)
        if let historyPath { try Self.remove(in: "\(historyPath)/\(self.group)", except: current) }
    }

    private static func remove(in folder: String, except current: UInt64) throws {
        for name in try Folder.names(in: folder) where name != "\(current)" {
            try Folder.removeTree("\(folder)/\(name)")
        }
        try Folder.synchronize(folder)
    }

    /// The folder for files that are received, which another call empties: one transfer at a time.
    /// - Throws: `FolderError`.
    package func makeIncoming() throws -> String { try self.makeEmpty("incoming") }

    /// A folder for files that are sent. The number tells apart several at a time; the caller removes it (`remove`).
    /// - Throws: `FolderError`.
    package func makeOutgoing(_ number: UInt64) throws -> String { try self.makeEmpty("outgoing-\(number)") }

    package func removeIncoming() throws { try Folder.removeTree("\(self.path)/incoming") }
    package func removeOutgoing(_ number: UInt64) throws { try Folder.removeTree("\(self.path)/outgoing-\(number)") }

    private func makeEmpty(_ name: String) throws -> String {
        let folder = "\(self.path)/\(name)"
        try Folder.removeTree(folder)
        try Folder.make(folder)
        return folder
    }
}
