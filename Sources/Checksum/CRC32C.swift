/// The Castagnoli checksum (RFC 3720, appendix B.4), eight bytes a step. It finds every burst of up to 32 wrong bits.
package struct CRC32C {
    private var state: UInt32 = 0xFFFF_FFFF

    /// The checksum of everything added so far.
    package var value: UInt32 { ~self.state }

    package init() {}

    /// Adds bytes to what was added before.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var crc = self.state
        var position = 0
        Self.table.withUnsafeBufferPointer { table in
            while position &+ 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ crc
                let high = UInt32(truncatingIfNeeded: word >> 32)
                // The eight tables lie one behind the other, that of the byte with the longest way to go last.
                crc = table[1792 &+ Int(low & 0xFF)] ^ table[1536 &+ Int(low >> 8 & 0xFF)]
                crc ^= table[1280 &+ Int(low >> 16 & 0xFF)] ^ table[1024 &+ Int(low >> 24)]
                crc ^= table[768 &+ Int(high & 0xFF)] ^ table[512 &+ Int(high >> 8 & 0xFF)]
                crc ^= table[256 &+ Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
                position &+= 8
            }
            while position < bytes.count {
                crc = table[Int((crc ^ UInt32(bytes[position])) & 0xFF)] ^ (crc >> 8)
                position &+= 1
            }
        }
        self.state = crc
    }

    /// Adds bytes to what was added before.
    @inlinable
    package mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { self.add($0) } }

    /// Adds the integer's bytes, lowest first.
    @inlinable
    package mutating func add(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { self.add($0) }
    }

    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 2048)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            table[byte] = crc
        }
        for position in 256..<2048 {
            let previous = table[position - 256]
            table[position] = table[Int(previous & 0xFF)] ^ (previous >> 8)
        }
        return table
    }()
}
