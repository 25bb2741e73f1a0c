import Glibc

/// Collects the bytes of one HTTP/1.1 response and finds its end: by `Content-Length`, by chunks, or at once where the
/// status allows no body (RFC 9112, section 6.3).
struct ResponseBuffer {
    /// A complete response; the body is a range of the buffer.
    struct Response: Equatable {
        let status: Int
        let body: Range<Int>
        /// The server closes the connection behind this response.
        let isLast: Bool
    }

    private static let firstCapacity = 16 << 10
    private static let capacityLimit = 256 << 20
    private static let headLimit = 64 << 10

    private var storage = [UInt8](repeating: 0, count: Self.firstCapacity)
    private var end = 0

    /// Lets `read` fill free space; it returns how many bytes it wrote, or what `recv` returns otherwise.
    mutating func fill(_ read: (UnsafeMutableRawBufferPointer) -> Int) throws -> Int {
        if self.end == self.storage.count {
            guard self.end < Self.capacityLimit else {
                throw BenchError("Expected a response of at most \(Self.capacityLimit) bytes, but got a larger one")
            }
            self.storage += [UInt8](repeating: 0, count: self.storage.count)
        }
        let end = self.end
        let count = self.storage.withUnsafeMutableBytes { read(UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
        if count > 0 { self.end += count }
        return count
    }

    /// The response, once all of it is here; nil before that.
    /// - Throws: what is not HTTP/1.1 as a server sends it, or more than one response.
    mutating func response() throws -> Response? {
        let end = self.end
        guard
            let head = try self.storage.withUnsafeBytes({ try Self.head(UnsafeRawBufferPointer(rebasing: $0[..<end])) })
        else { return nil }
        let body: Range<Int>
        switch head.framing {
        case .none: body = head.end..<head.end
        case .length(let length): body = head.end..<(head.end + length)
        case .chunks:
            guard let chunks = try self.chunks(from: head.end) else { return nil }
            guard chunks.end == end else { throw Self.surplus }
            return Response(status: head.status, body: self.join(chunks.ranges, at: head.end), isLast: head.isLast)
        }
        guard body.upperBound <= end else { return nil }
        guard body.upperBound == end else { throw Self.surplus }
        return Response(status: head.status, body: body, isLast: head.isLast)
    }

    /// Gives the body's bytes to `use` and makes the buffer ready for the next response.
    mutating func consume<Value>(
        _ response: Response,
        _ use: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value {
        self.end = 0
        return try self.storage.withUnsafeBytes { try use(UnsafeRawBufferPointer(rebasing: $0[response.body])) }
    }

    private static var surplus: BenchError {
        BenchError("Expected one response to one request, but got bytes behind it")
    }

    // MARK: Head

    private enum Framing {
        case none
        case length(Int)
        case chunks
    }

    private struct Head {
        let status: Int
        let framing: Framing
        let isLast: Bool
        let end: Int
    }

    private static func head(_ bytes: UnsafeRawBufferPointer) throws -> Head? {
        guard let blank = ByteSearch.first("\r\n\r\n", in: bytes) else {
            guard bytes.count < Self.headLimit else {
                throw BenchError("Expected at most \(Self.headLimit) bytes of header fields, but got more")
            }
            return nil
        }
        guard blank >= 12, ByteSearch.first("HTTP/1.1 ", in: bytes) == 0,
            let status = Self.decimal(bytes, 9..<12), status >= 200
        else {
            throw BenchError(
                "Expected an HTTP/1.1 response, but got '\(String(decoding: bytes.prefix(32), as: UTF8.self))'"
            )
        }
        var framing: Framing?
        var isLast = false
        var position = (ByteSearch.first("\r\n", in: bytes) ?? blank) + 2
        while position < blank {
            let end = ByteSearch.first("\r\n", in: bytes, from: position) ?? blank
            if let value = Self.value(of: "content-length", bytes, position..<end) {
                guard let length = Self.decimal(bytes, value) else { throw Self.badLength }
                if framing == nil { framing = .length(length) }
            } else if let value = Self.value(of: "transfer-encoding", bytes, position..<end) {
                guard Self.equals(bytes, value, "chunked") else { throw Self.badLength }
                framing = .chunks
            } else if let value = Self.value(of: "connection", bytes, position..<end) {
                isLast = Self.equals(bytes, value, "close")
            }
            position = end + 2
        }
        if status == 204 || status == 304 { framing = Framing.none }
        guard let framing else { throw Self.badLength }
        return Head(status: status, framing: framing, isLast: isLast, end: blank + 4)
    }

    private static var badLength: BenchError {
        BenchError("Expected 'Content-Length' or 'Transfer-Encoding: chunked', but got neither")
    }

    /// The range of a field's value if the line has this name, which must be given in lower case.
    private static func value(
        of name: StaticString,
        _ bytes: UnsafeRawBufferPointer,
        _ line: Range<Int>
    ) -> Range<Int>? {
        let end = line.lowerBound + name.utf8CodeUnitCount
        guard end < line.upperBound, bytes[end] == UInt8(ascii: ":"), Self.equals(bytes, line.lowerBound..<end, name)
        else {
            return nil
        }
        var value = (end + 1)..<line.upperBound
        while let first = value.first, bytes[first] == 0x20 || bytes[first] == 0x09 { value.removeFirst() }
        while let last = value.last, bytes[last] == 0x20 || bytes[last] == 0x09 { value.removeLast() }
        return value
    }

    /// Compares without case; `text` is in lower case.
    private static func equals(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for (offset, position) in range.enumerated() {
            let byte = bytes[position]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpper ? byte | 0x20 : byte) == text.utf8Start[offset] else { return false }
        }
        return true
    }

    private static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count <= 12 else { return nil }
        var value = 0
        for position in range {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    // MARK: Chunks

    /// The ranges of all chunks, once the last one and the empty trailer are here.
    private func chunks(from start: Int) throws -> (ranges: [Range<Int>], end: Int)? {
        let end = self.end
        return try self.storage.withUnsafeBytes { storage in
            let bytes = UnsafeRawBufferPointer(rebasing: storage[..<end])
            var ranges: [Range<Int>] = []
            var position = start
            while let lineEnd = ByteSearch.first("\r\n", in: bytes, from: position) {
                let digits = String(
                    decoding: bytes[position..<lineEnd].prefix { $0 != UInt8(ascii: ";") },
                    as: UTF8.self
                )
                guard let size = Int(digits, radix: 16), size >= 0, size < Self.capacityLimit else {
                    throw BenchError("Expected the size of a chunk, but got '\(digits.prefix(32))'")
                }
                let data = (lineEnd + 2)..<(lineEnd + 2 + size)
                guard data.upperBound + 2 <= end else { return nil }
                guard bytes[data.upperBound] == 0x0D, bytes[data.upperBound + 1] == 0x0A else {
                    throw BenchError("Expected the end of a chunk of \(size) bytes, but got more of it")
                }
                position = data.upperBound + 2
                if size == 0 { return (ranges, position) }
                ranges.append(data)
            }
            return nil
        }
    }

    /// Moves the chunks together and returns where they are now.
    private mutating func join(_ ranges: [Range<Int>], at start: Int) -> Range<Int> {
        var position = start
        self.storage.withUnsafeMutableBytes { storage in
            for range in ranges {
                guard let base = storage.baseAddress else { return }
                memmove(base + position, base + range.lowerBound, range.count)
                position += range.count
            }
        }
        return start..<position
    }
}
