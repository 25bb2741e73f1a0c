/// A `multipart/form-data` body (RFC 7578) of files.
struct MultipartForm: Equatable, Sendable {
    /// One file part; all are called `resources`.
    struct File: Equatable, Sendable {
        let name: String
        let content: [UInt8]
    }

    let files: [File]
    let tenantID: String?

    /// A boundary that occurs in none of the files: a fixed word with the first free number behind it.
    var boundary: String {
        var number = 0
        while true {
            let candidate = "thalweg-boundary-\(number)"
            let isTaken = self.files.contains { Self.contains($0.content, Array(candidate.utf8)) }
            if !isTaken { return candidate }
            // Each taken number stands for at least 18 bytes in some file, so this ends.
            number += 1
        }
    }

    /// The encoded body for ``boundary``.
    func encoded(boundary: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.files.reduce(256) { $0 + $1.content.count + 256 })
        if let tenantID {
            bytes += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"tenantId\"\r\n\r\n".utf8)
            bytes += Array("\(tenantID)\r\n".utf8)
        }
        for file in self.files {
            let name = Self.quotable(file.name)
            bytes += Array("--\(boundary)\r\n".utf8)
            bytes += Array("Content-Disposition: form-data; name=\"resources\"; filename=\"\(name)\"\r\n".utf8)
            bytes += Array("Content-Type: application/octet-stream\r\n\r\n".utf8)
            bytes += file.content
            bytes += Array("\r\n".utf8)
        }
        bytes += Array("--\(boundary)--\r\n".utf8)
        return bytes
    }

    /// Quotes and line ends percent-encoded, as the HTML standard's form encoding does.
    private static func quotable(_ name: String) -> String {
        var result = ""
        for character in name.unicodeScalars {
            switch character {
            case "\"": result += "%22"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func contains(_ content: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard let first = pattern.first, content.count >= pattern.count else { return false }
        var index = 0
        let last = content.count - pattern.count
        while index <= last {
            if content[index] == first, content[index..<(index + pattern.count)].elementsEqual(pattern) { return true }
            index += 1
        }
        return false
    }
}
