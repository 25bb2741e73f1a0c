/// What is needed to talk to a server.
struct ConnectionSettings: Equatable, Sendable {
    let address: ServerAddress
    let credentials: Credentials
    /// A PEM file with the certificate authorities to trust instead of the system's.
    let authorityFile: String?
}

/// How the client says who it is. Taken from the environment only, since arguments are visible to every local user.
enum Credentials: Equatable, Sendable {
    case none
    case bearer(String)
    case basic(user: String, password: String)

    /// The value of the `Authorization` header.
    var headerValue: String? {
        switch self {
        case .none: nil
        case .bearer(let token): "Bearer \(token)"
        case .basic(let user, let password): "Basic " + Base64.encoded(Array("\(user):\(password)".utf8))
        }
    }

    /// A token wins over user and password.
    init(token: String?, user: String?, password: String?) throws(ClientFailure) {
        if let token, !token.isEmpty {
            guard token.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                throw .usage("Expected a token of printable ASCII characters in THALWEG_TOKEN")
            }
            self = .bearer(token)
        } else if let user, !user.isEmpty {
            guard !user.contains(":") else { throw .usage("Expected a user name without a colon in THALWEG_USER") }
            self = .basic(user: user, password: password ?? "")
        } else {
            self = .none
        }
    }
}

/// RFC 4648 base 64 with padding, for one header.
enum Base64 {
    static func encoded(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let rest = bytes.count - index
            let first = UInt32(bytes[index])
            let second = rest > 1 ? UInt32(bytes[index + 1]) : 0
            let third = rest > 2 ? UInt32(bytes[index + 2]) : 0
            let group = first << 16 | second << 8 | third
            result.append(alphabet[Int(group >> 18 & 63)])
            result.append(alphabet[Int(group >> 12 & 63)])
            result.append(rest > 1 ? alphabet[Int(group >> 6 & 63)] : 61)
            result.append(rest > 2 ? alphabet[Int(group & 63)] : 61)
            index += 3
        }
        return String(decoding: result, as: UTF8.self)
    }
}
