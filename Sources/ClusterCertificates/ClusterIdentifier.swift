/// The name of a cluster: 16 hexadecimal digits in small letters.
package struct ClusterIdentifier: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Checks a text; capital letters become small ones.
    package init(_ text: String) throws(CertificateError) {
        let digits = text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) ? $0 + 32 : $0 }
        let isHex = digits.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        guard digits.count == 16, isHex, digits.contains(where: { $0 != UInt8(ascii: "0") }) else {
            throw .input(
                "Expected a cluster id of 16 hexadecimal digits like 9f3c01d2a4b56e78, but got '\(text.prefix(40))'"
            )
        }
        description = String(decoding: digits, as: UTF8.self)
    }

    /// A new name by chance.
    package static func random() -> ClusterIdentifier {
        var generator = SystemRandomNumberGenerator()
        let digits = String(UInt64.random(in: 1...UInt64.max, using: &generator), radix: 16)
        return ClusterIdentifier(digits: String(repeating: "0", count: 16 - digits.count) + digits)
    }

    private init(digits: String) { description = digits }
}

/// Whom a certificate names, as written in its URI name: `thalweg://CLUSTERID` for a cluster's authority,
/// `thalweg://CLUSTERID/node/N` for a node.
package struct CertificateSubject: Hashable, Sendable {
    package var clusterID: ClusterIdentifier
    /// Nil for the authority.
    package var nodeID: UInt64?

    package init(clusterID: ClusterIdentifier, nodeID: UInt64?) {
        self.clusterID = clusterID
        self.nodeID = nodeID
    }

    /// Reads such a URI; nil when it is none.
    package init?(uri: String) {
        let scheme = "thalweg://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let clusterID = try? ClusterIdentifier(String(first)) else { return nil }
        switch parts.count {
        case 1:
            self.init(clusterID: clusterID, nodeID: nil)
        case 3:
            guard parts[1] == "node", let number = UInt64(parts[2]), number > 0 else { return nil }
            self.init(clusterID: clusterID, nodeID: number)
        default:
            return nil
        }
        // One node, one spelling: no capitals, signs or leading zeros.
        guard self.uri == uri else { return nil }
    }

    package var uri: String {
        let base = "thalweg://\(clusterID)"
        return nodeID.map { "\(base)/node/\($0)" } ?? base
    }

    var commonName: String {
        nodeID.map { "Thalweg node \($0) of \(clusterID)" } ?? "Thalweg cluster \(clusterID)"
    }
}
