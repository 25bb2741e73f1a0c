import NIOCore
import NIOHTTP1

/// A request on its way in.
struct IncomingRequest {
    let head: HTTPRequestHead
    let target: Target
    private var body: [UInt8] = []
    private var count = 0

    init(_ head: HTTPRequestHead, target: Target) {
        self.head = head
        self.target = target
    }

    /// Whether the client has said that its body will be larger than it may be.
    var announcesTooMuch: Bool { (self.announcedLength ?? 0) > self.target.bodyLimit }

    /// Whether the client waits for a word before it sends its body (RFC 9110, section 10.1.1).
    var waitsForContinue: Bool {
        guard self.count == 0, self.head.version == .http1_1 else { return false }
        return self.head.headers.first(name: "Expect")?.lowercased() == "100-continue"
    }

    private var announcedLength: Int? { self.head.headers.first(name: "Content-Length").flatMap { Int($0) } }

    /// Takes a part of the body.
    ///
    /// - Returns: false if the body has become too large; the part is not kept then.
    mutating func append(_ part: ByteBuffer) -> Bool {
        let (count, isOverflow) = self.count.addingReportingOverflow(part.readableBytes)
        guard !isOverflow, count <= self.target.bodyLimit else { return false }
        self.count = count
        guard self.target.keepsBody else { return true }
        if self.body.isEmpty {
            // Most bodies come in one piece.
            self.body = Array(part.readableBytesView)
            return true
        }
        if self.body.count == self.body.capacity || self.body.capacity < count, let announcedLength {
            self.body.reserveCapacity(min(announcedLength, self.target.bodyLimit))
        }
        self.body.append(contentsOf: part.readableBytesView)
        return true
    }

    /// - Parameter refusal: why the rest of the body is not read; nil if it is complete.
    func request(refusal: Problem?) -> Request {
        Request(
            method: self.head.method,
            target: self.target,
            headers: self.head.headers,
            body: refusal == nil ? self.body : [],
            refusal: refusal
        )
    }
}
