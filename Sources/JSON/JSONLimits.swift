/// Bounds for one document. Input comes from anywhere, so every dimension has one.
package struct JSONLimits: Sendable, Hashable {
    /// The size of the whole document in bytes.
    package var bytes: Int
    /// The number of arrays and objects that may be open at once; never more than `deepest`.
    package var depth: Int
    /// The number of elements of one array, or of members of one object.
    package var members: Int
    /// The size of one string or key between its quotes, in source bytes.
    package var stringBytes: Int
    /// The length of one number in source bytes.
    package var numberBytes: Int

    /// The highest depth that can be allowed. Reading is not recursive, but releasing, comparing and writing a tree is:
    /// this depth fits into a stack of 512 KB in every build mode.
    package static let deepest = 512

    /// 64 MiB, depth 128, about a million members each, strings up to 16 MiB, numbers up to 1024 bytes.
    package static let `default` = JSONLimits()

    package init(
        bytes: Int = 64 << 20,
        depth: Int = 128,
        members: Int = 1 << 20,
        stringBytes: Int = 16 << 20,
        numberBytes: Int = 1024
    ) {
        self.bytes = bytes
        self.depth = min(depth, Self.deepest)
        self.members = members
        self.stringBytes = stringBytes
        self.numberBytes = numberBytes
    }
}
