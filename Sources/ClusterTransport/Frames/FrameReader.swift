/// A frame as it came: a header, which is one envelope, and what is attached to it.
struct IncomingFrame: Hashable, Sendable {
    var header: [UInt8] = []
    var attachments: [[UInt8]] = []

    /// As counted against limits.
    var byteCount: Int { self.attachments.reduce(OutgoingFrame.prefixBytes + self.header.count) { $0 + 4 + $1.count } }
}

/// Cuts a stream of bytes into frames. Long parts are read right into the array they end up in; nothing is reserved
/// before its length was found to be allowed.
struct FrameReader {
    /// What is next in the stream.
    private enum Part {
        case prefix
        case header(Int)
        case attachmentLength
        case attachment(Int)
    }

    private static let stagingBytes = 32 << 10
    private static let longestAttachmentList = 65_536

    /// The longest frame allowed, without its two numbers.
    var limit: Int
    private var staging: [UInt8]
    private var start = 0
    private var end = 0
    private var part = Part.prefix
    /// What is left of the frame behind the current part.
    private var remaining = 0
    private var frame = IncomingFrame()
    /// A part longer than what is staged, and how much of it is there.
    private var long: [UInt8] = []
    private var filled = 0
    private var isReadingLong = false

    init(limit: Int) {
        self.limit = limit
        self.staging = [UInt8](repeating: 0, count: Self.stagingBytes)
    }

    /// Lets the closure write into free space; it returns how many bytes it wrote. Call `next` until it has no more
    /// before the next call.
    mutating func fill(_ write: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        if self.isReadingLong {
            let filled = self.filled
            let count = self.long.withUnsafeMutableBytes {
                write(UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
            }
            precondition(count >= 0 && count <= self.long.count - filled)
            self.filled += count
            return count
        }
        if self.start > 0 {
            let staged = self.start..<self.end
            self.staging.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[staged])) }
            self.end -= self.start
            self.start = 0
        }
        let end = self.end
        let count = self.staging.withUnsafeMutableBytes { write(UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
        precondition(count >= 0 && count <= self.staging.count - end)
        self.end += count
        return count
    }

    /// The next frame; nil when more bytes are needed.
    ///
    /// - Throws: `malformed` when the lengths contradict each other or the limit.
    mutating func next() throws(Refusal) -> IncomingFrame? {
        while true {
            switch self.part {
            case .prefix:
                guard self.end - self.start >= OutgoingFrame.prefixBytes else { return nil }
                let length = self.takeNumber()
                let header = self.takeNumber()
                guard length <= self.limit, header <= length else {
                    throw Refusal(
                        .malformed,
                        "Expected a frame of up to \(self.limit) bytes, but got one of \(length), header \(header)"
                    )
                }
                self.remaining = length - header
                self.part = .header(header)
            case .header(let count):
                guard let header = self.take(count) else { return nil }
                self.frame.header = header
                self.part = .attachmentLength
            case .attachmentLength:
                if self.remaining == 0 { return self.finish() }
                guard self.remaining >= 4, self.frame.attachments.count < Self.longestAttachmentList else {
                    throw Refusal(.malformed, "Expected whole attachments, but got \(self.remaining) bytes too many")
                }
                guard self.end - self.start >= 4 else { return nil }
                let count = self.takeNumber()
                self.remaining -= 4
                guard count <= self.remaining else {
                    throw Refusal(
                        .malformed,
                        "Expected up to \(self.remaining) bytes, but got an attachment of \(count)"
                    )
                }
                self.remaining -= count
                self.part = .attachment(count)
            case .attachment(let count):
                guard let attachment = self.take(count) else { return nil }
                self.frame.attachments.append(attachment)
                self.part = .attachmentLength
            }
        }
    }

    private mutating func finish() -> IncomingFrame {
        let frame = self.frame
        self.frame = IncomingFrame()
        self.part = .prefix
        return frame
    }

    private mutating func takeNumber() -> Int {
        let number = self.staging[self.start..<self.start + 4].reduce(0) { $0 << 8 | Int($1) }
        self.start += 4
        return number
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        if self.isReadingLong {
            guard self.filled == count else { return nil }
            let bytes = self.long
            self.long = []
            self.isReadingLong = false
            return bytes
        }
        let staged = self.end - self.start
        if count <= staged {
            let bytes = Array(self.staging[self.start..<self.start + count])
            self.start += count
            return bytes
        }
        // A part that fits is waited for; one that does not is read where it stays.
        if count <= Self.stagingBytes { return nil }
        self.long = [UInt8](repeating: 0, count: count)
        self.long.replaceSubrange(0..<staged, with: self.staging[self.start..<self.end])
        self.filled = staged
        self.start = 0
        self.end = 0
        self.isReadingLong = true
        return nil
    }
}
