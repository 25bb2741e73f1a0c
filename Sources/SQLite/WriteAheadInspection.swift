/// A search for damage in a write-ahead file (SQLite's "WAL-mode file format") before SQLite reads it. SQLite itself
/// ends at the first frame that is wrong and takes all behind it for a commit that a crash cut short. That is right
/// for the last transaction only: with `synchronous=FULL` a transaction is written after the one before it was
/// synced, so where a later one follows, the wrong frame was durable once and has been damaged since.
///
/// What it cannot see: damage in the very last transactions, which looks like a crash. It is of no use for databases
/// with `synchronous=NORMAL`, where any number of unsynced transactions may be lost or torn.
package enum WriteAheadInspection {
    package enum Finding: Sendable, Hashable {
        /// Nothing contradicts what SQLite will find.
        case sound
        /// A page that was durable is damaged; frames count from zero.
        case damagedFrame(Int)
        /// The file's own header is damaged, while pages written under it are there.
        case damagedHeader
    }

    private static let headerBytes = 32
    private static let frameHeaderBytes = 24

    /// Reads the file once.
    package static func inspect(_ file: StoredFile) throws -> Finding {
        let size = Int(try file.byteCount())
        guard size >= Self.headerBytes + Self.frameHeaderBytes else { return .sound }
        let header = try Self.read(file, count: Self.headerBytes, at: 0)
        var sums = Checksums()
        let magic = Self.number(header, 0)
        let isBigEndian = magic == 0x377F_0683
        header.withUnsafeBytes { sums.add(UnsafeRawBufferPointer(rebasing: $0[..<24]), isBigEndian: isBigEndian) }
        let pageBytes = Int(Self.number(header, 8))
        let isHeaderSound =
            (isBigEndian || magic == 0x377F_0682) && sums.first == Self.number(header, 24)
            && sums.second == Self.number(header, 28) && pageBytes >= 512 && pageBytes <= 65536
        guard isHeaderSound else {
            // A header that a crash tore has new salts; the old one's salts are those of the frames behind it.
            let frame = try Self.read(file, count: Self.frameHeaderBytes, at: Self.headerBytes)
            let first = Self.number(frame, 8) == Self.number(header, 16)
            let second = Self.number(frame, 12) == Self.number(header, 20)
            let isEmpty = !header.contains { $0 != 0 }
            return (first || second) && !isEmpty ? .damagedHeader : .sound
        }
        return try Self.inspectFrames(
            of: file,
            size: size,
            pageBytes: pageBytes,
            header: header,
            sums: sums,
            isBigEndian: isBigEndian
        )
    }

    private static func inspectFrames(
        of file: StoredFile,
        size: Int,
        pageBytes: Int,
        header: [UInt8],
        sums: Checksums,
        isBigEndian: Bool
    ) throws -> Finding {
        let frameBytes = pageBytes + Self.frameHeaderBytes
        let count = (size - Self.headerBytes) / frameBytes
        var sums = sums
        var frame = [UInt8](repeating: 0, count: frameBytes)
        var firstWrong: Int?
        var hasCommitBehind = false
        for number in 0..<count {
            let offset = Int64(Self.headerBytes) + Int64(number) * Int64(frameBytes)
            let readsPage = firstWrong == nil
            try frame.withUnsafeMutableBytes { buffer in
                let wanted = readsPage ? buffer : UnsafeMutableRawBufferPointer(rebasing: buffer[..<24])
                try file.read(into: wanted, at: offset)
            }
            let isOfThisLog = frame[8..<16].elementsEqual(header[16..<24])
            let isCommit = Self.number(frame, 4) != 0
            if readsPage {
                frame.withUnsafeBytes {
                    sums.add(UnsafeRawBufferPointer(rebasing: $0[..<8]), isBigEndian: isBigEndian)
                    sums.add(UnsafeRawBufferPointer(rebasing: $0[24...]), isBigEndian: isBigEndian)
                }
                if isOfThisLog, sums.first == Self.number(frame, 16), sums.second == Self.number(frame, 20) {
                    continue
                }
                firstWrong = number
            }
            guard isOfThisLog else { continue }
            if hasCommitBehind { return .damagedFrame(firstWrong ?? number) }
            hasCommitBehind = isCommit
        }
        return .sound
    }

    /// The running pair of sums of the file format.
    private struct Checksums {
        var first: UInt32 = 0
        var second: UInt32 = 0

        mutating func add(_ bytes: UnsafeRawBufferPointer, isBigEndian: Bool) {
            var first = self.first
            var second = self.second
            var position = 0
            while position &+ 8 <= bytes.count {
                let left = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
                let right = bytes.loadUnaligned(fromByteOffset: position &+ 4, as: UInt32.self)
                first = first &+ (isBigEndian ? left.bigEndian : left.littleEndian) &+ second
                second = second &+ (isBigEndian ? right.bigEndian : right.littleEndian) &+ first
                position &+= 8
            }
            self.first = first
            self.second = second
        }
    }

    private static func read(_ file: StoredFile, count: Int, at offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: Int64(offset)) }
        return bytes
    }

    /// The big-endian number at a position.
    private static func number(_ bytes: [UInt8], _ position: Int) -> UInt32 {
        bytes[position..<(position + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
