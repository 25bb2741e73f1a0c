/// Why a request, a download or the transport itself failed.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the caller may conclude.
    package enum Code: Hashable, Sendable {
        /// It surely never left this node.
        case notSent
        /// The peer said that it did not look at it.
        case refused
        /// It may have been received and carried out.
        case unknown
        /// The caller itself is wrong: certificates, address, a payload that is too large.
        case invalid
        /// A piece of a file was not what the sender read, or the file is not to be had.
        case transfer
    }

    package var code: Code
    package var text: String

    package init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// Whether the request was surely not carried out, so that it may be sent again.
    package var isSurelyNotExecuted: Bool {
        switch self.code {
        case .notSent, .refused, .invalid: true
        case .unknown, .transfer: false
        }
    }

    package var description: String { self.text }
}
