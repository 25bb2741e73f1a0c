import SwiftProtobuf

/// A frame ready to be sent: length of what follows the two numbers, length of the header (both four bytes, highest
/// first), header, attachments with their lengths before them. Long attachments are sent from where they lie.
struct OutgoingFrame: Sendable {
    static let prefixBytes = 8
    /// Shorter attachments are copied behind the header, so that most frames are one piece.
    private static let inlineBytes = 4_096

    /// The first piece: the numbers, the header and short attachments.
    private(set) var first: [UInt8]
    /// The pieces that follow.
    private(set) var rest: [[UInt8]] = []
    /// All pieces together.
    private(set) var byteCount: Int
    /// Set for a request, so that its sender learns when it starts to leave.
    var requestID: UInt64?
    /// Where the frame is counted while it waits.
    var gauge: QueueGauge?

    init(_ body: WireEnvelope.OneOf_Body, attachments: [[UInt8]] = []) throws(TransportError) {
        var envelope = WireEnvelope()
        envelope.body = body
        let header: [UInt8]
        do {
            header = try envelope.serializedBytes()
        } catch {
            throw TransportError(.invalid, "Expected a header that can be written, but got \(error)")
        }
        var length = header.count
        for attachment in attachments { length += 4 + attachment.count }
        guard length <= Int(Int32.max) else {
            throw TransportError(.invalid, "Expected a frame of less than 2 GiB, but got \(length) bytes")
        }
        self.byteCount = Self.prefixBytes + length
        self.first = []
        self.first.reserveCapacity(Self.prefixBytes + header.count + min(length - header.count, Self.inlineBytes))
        Self.append(length, to: &self.first)
        Self.append(header.count, to: &self.first)
        self.first.append(contentsOf: header)
        var last: [UInt8] = []
        for attachment in attachments {
            let isInline = attachment.count <= Self.inlineBytes
            if self.rest.isEmpty {
                Self.append(attachment.count, to: &self.first)
                if isInline { self.first.append(contentsOf: attachment) } else { self.rest.append(attachment) }
            } else {
                Self.append(attachment.count, to: &last)
                if isInline {
                    last.append(contentsOf: attachment)
                } else {
                    self.rest.append(last)
                    self.rest.append(attachment)
                    last = []
                }
            }
        }
        if !last.isEmpty { self.rest.append(last) }
    }

    /// Stands where a frame was that is gone.
    static let sent = OutgoingFrame()

    private init() {
        self.first = []
        self.byteCount = 0
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        // Lengths are below 2^31, as checked above.
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: number).bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// All pieces in one, as they travel.
    var bytes: [UInt8] { self.rest.reduce(self.first, +) }
}
