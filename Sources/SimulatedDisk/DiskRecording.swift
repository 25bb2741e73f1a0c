/// What a disk was asked to do, in order, so that a test can cut the power after every single step.
package struct DiskRecording: Sendable {
    package enum Operation: Sendable, Hashable {
        case create(String)
        case write(String, offset: Int, [UInt8])
        case truncate(String, size: Int)
        case sync(String, withFolder: Bool)
        case delete(String, isDurable: Bool)
    }

    package let start: DiskImage
    package private(set) var operations: [Operation] = []

    package init(start: DiskImage) { self.start = start }

    mutating func append(_ operation: Operation) { self.operations.append(operation) }

    /// Calls `body` with the disk before the first operation and after every one, and with the number done so far.
    package func forEachStep(_ body: (_ done: Int, _ image: DiskImage) throws -> Void) rethrows {
        var image = self.start
        try body(0, image)
        for (position, operation) in self.operations.enumerated() {
            image.apply(operation)
            try body(position + 1, image)
        }
    }
}

extension DiskImage {
    mutating func apply(_ operation: DiskRecording.Operation) {
        switch operation {
        case .create(let path): self.create(path)
        case .write(let path, let offset, let bytes): self.write(path, bytes, at: offset)
        case .truncate(let path, let size): self.truncate(path, to: size)
        case .sync(let path, let withFolder): self.sync(path, withFolder: withFolder)
        case .delete(let path, let isDurable): self.delete(path, isDurable: isDurable)
        }
    }
}
