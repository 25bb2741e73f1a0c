/// The parts of a `multipart/form-data` body (RFC 7578 over RFC 2046). Works on collected bytes whose number the caller
/// has bounded; parts, their header fields and the sizes of those are bounded here.
struct MultipartBody {
    struct Part: Hashable {
        var name: String
        var filename: String?
        /// Position in the body.
        var content: Range<Int>
    }

    private static let partLimit = 1000
    private static let headerBytesLimit = 8192
    /// RFC 2046, section 5.1.1.
    private static let boundaryLengthLimit = 70

    let bytes: [UInt8]
    let parts: [Part]

    /// - Parameter contentType: the request's `Content-Type`.
    init(_ bytes: [UInt8], contentType: String?) throws(Problem) {
        let delimiter = [0x2D, 0x2D] + Array(try Self.boundary(contentType).utf8)
        self.bytes = bytes
        self.parts = try Self.parts(of: bytes, delimiter: delimiter)
    }

    private static func boundary(_ contentType: String?) throws(Problem) -> String {
        let header = HeaderValue(contentType ?? "")
        guard header.value.lowercased() == "multipart/form-data" else {
            let found = contentType.map { Problem.quoted($0) } ?? "none"
            throw Problem(
                status: 415,
                title: "UNSUPPORTED_MEDIA_TYPE",
                detail: "Expected a body of type 'multipart/form-data', but got \(found)"
            )
        }
        let boundary = header.parameters.first { $0.name == "boundary" }?.value ?? ""
        let isPlain = boundary.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
        guard isPlain, (1...Self.boundaryLengthLimit).contains(boundary.utf8.count) else {
            throw .invalid(
                "Expected a 'boundary' of 1 to \(Self.boundaryLengthLimit) ASCII characters in the header "
                    + "'Content-Type', but got \(Problem.quoted(boundary))"
            )
        }
        return boundary
    }

    private static func parts(of bytes: [UInt8], delimiter: [UInt8]) throws(Problem) -> [Part] {
        // What stands before the first delimiter is a preamble without meaning.
        guard var position = Self.endOfDelimiter(delimiter, in: bytes, from: 0)?.end else {
            throw .invalid("Expected a multipart body with its boundary at the begin of a line, but got none")
        }
        var parts: [Part] = []
        while !Self.hasBytes([0x2D, 0x2D], in: bytes, at: position) {
            position = Self.skipPadding(in: bytes, from: position)
            guard Self.hasBytes([0x0D, 0x0A], in: bytes, at: position) else {
                throw .invalid("Expected the end of the line behind a multipart boundary, but got other bytes")
            }
            guard parts.count < Self.partLimit else {
                throw .invalid("Expected at most \(Self.partLimit) parts, but got more")
            }
            let content = try Self.endOfHeaders(in: bytes, from: position + 2)
            guard let next = Self.endOfDelimiter(delimiter, in: bytes, from: content - 2) else {
                throw .invalid("Expected the multipart boundary behind part \(parts.count + 1), but got the end")
            }
            let end = max(content, next.start)
            parts.append(try Self.part(headers: bytes[(position + 2)..<content], content: content..<end))
            position = next.end
        }
        return parts
    }

    /// Finds the next delimiter at the begin of a line; `start` is where the line break before it begins.
    private static func endOfDelimiter(
        _ delimiter: [UInt8],
        in bytes: [UInt8],
        from first: Int
    ) -> (start: Int, end: Int)? {
        if first == 0, Self.hasBytes(delimiter, in: bytes, at: 0) { return (0, delimiter.count) }
        var position = first
        while let found = bytes[position...].firstIndex(of: 0x0D) {
            if Self.hasBytes([0x0A], in: bytes, at: found + 1), Self.hasBytes(delimiter, in: bytes, at: found + 2) {
                return (found, found + 2 + delimiter.count)
            }
            position = found + 1
        }
        return nil
    }

    private static func hasBytes(_ expected: [UInt8], in bytes: [UInt8], at position: Int) -> Bool {
        guard position >= 0, position + expected.count <= bytes.count else { return false }
        for offset in 0..<expected.count where bytes[position + offset] != expected[offset] { return false }
        return true
    }

    private static func skipPadding(in bytes: [UInt8], from position: Int) -> Int {
        var position = position
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        return position
    }

    /// The position behind the empty line that ends the header fields.
    private static func endOfHeaders(in bytes: [UInt8], from first: Int) throws(Problem) -> Int {
        var position = first
        while position < bytes.count, position - first <= Self.headerBytesLimit {
            if Self.hasBytes([0x0D, 0x0A], in: bytes, at: position) { return position + 2 }
            guard let lineBreak = bytes[position...].firstIndex(of: 0x0A) else { break }
            position = lineBreak + 1
        }
        throw .invalid(
            "Expected an empty line behind at most \(Self.headerBytesLimit) bytes of a part's header, but got none"
        )
    }

    private static func part(headers: ArraySlice<UInt8>, content: Range<Int>) throws(Problem) -> Part {
        let lines = headers.split(separator: 0x0A)
        for line in lines {
            let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            guard let colon = text.firstIndex(of: ":") else { continue }
            guard text[..<colon].lowercased() == "content-disposition" else { continue }
            let disposition = HeaderValue(String(text[text.index(after: colon)...]))
            guard disposition.value.lowercased() == "form-data",
                let name = disposition.parameters.first(where: { $0.name == "name" })?.value
            else { continue }
            let filename = disposition.parameters.first { $0.name == "filename" }?.value
            return Part(name: name, filename: filename, content: content)
        }
        throw .invalid("Expected a 'Content-Disposition: form-data' with a 'name' in every part, but got one without")
    }
}

/// A header's value with its parameters, for example `form-data; name="a"; filename="b"`.
struct HeaderValue {
    let value: String
    /// Names in lower case, in order.
    let parameters: [(name: String, value: String)]

    init(_ text: String) {
        var pieces: [String] = []
        var piece = ""
        var isQuoted = false
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                piece.unicodeScalars.append(scalar)
                isEscaped = false
            } else if isQuoted, scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" {
                isQuoted.toggle()
            } else if scalar == ";", !isQuoted {
                pieces.append(piece)
                piece = ""
            } else {
                piece.unicodeScalars.append(scalar)
            }
        }
        pieces.append(piece)
        self.value = Self.trimmed(pieces[0][...])
        self.parameters = pieces.dropFirst().compactMap { piece in
            guard let sign = piece.firstIndex(of: "=") else { return nil }
            return (Self.trimmed(piece[..<sign]).lowercased(), Self.trimmed(piece[piece.index(after: sign)...]))
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return String(text)
    }
}
