@testable import HTTPAPI

/// What arrives in HTTP requests besides JSON.
extension FuzzTarget {
    static let requestTargets = [multipart]

    private static let multipart = FuzzTarget(
        name: "multipart",
        what: "uploads of several files",
        bytesLimit: 4_096,
        seeds: {
            let part = "--b\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"a.bpmn\"\r\n\r\nx\r\n"
            let header = "multipart/form-data; boundary=b\n"
            return [
                header + part + "--b--\r\n", header + part + part + "--b--", header + "--b--", "multipart/form-data",
            ]
            .map { Array($0.utf8) }
        },
        dictionary: ["--b", "\\x0D\\x0A", "boundary=", "name=\\\"", "filename=\\\"", "Content-Disposition: form-data"],
        run: { input in
            // The first line is the header, the rest the body.
            let lines = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
            let body = lines.count > 1 ? Array(lines[1]) : []
            let type = String(decoding: lines[0], as: UTF8.self)
            guard let form = try? MultipartBody(body, contentType: type) else { return nil }
            for part in form.parts {
                guard part.content.lowerBound >= 0, part.content.upperBound <= body.count else {
                    return "a part outside of the body"
                }
            }
            return nil
        }
    )
}
