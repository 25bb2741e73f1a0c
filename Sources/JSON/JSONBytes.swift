/// The source bytes of one document. Every read outside of the bytes answers zero, which no JSON token contains, so
/// that the readers need no bounds checks of their own and still never touch foreign memory.
struct JSONBytes {
    /// Valid for `count` bytes while the closure runs that lent the buffer; the readers never outlive it.
    private let base: UnsafePointer<UInt8>?
    let count: Int

    init(_ buffer: UnsafeBufferPointer<UInt8>) {
        self.base = buffer.baseAddress
        self.count = buffer.baseAddress == nil ? 0 : buffer.count
    }

    @inline(__always)
    subscript(offset: Int) -> UInt8 {
        guard offset >= 0, offset < self.count, let base = self.base else { return 0 }
        return base[offset]
    }

    /// Eight bytes with the first one lowest, or nil if fewer are left.
    @inline(__always)
    func word(at offset: Int) -> UInt64? {
        guard offset >= 0, offset <= self.count &- 8, let base = self.base else { return nil }
        return UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
    }

    /// The bytes of a range that a reader has already passed.
    func slice(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.count, "Expected a range inside the document")
        guard let base = self.base else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}
