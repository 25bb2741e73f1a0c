import CLibuv

extension Connection {
    /// How much is encrypted at once: enough to be fast, little enough to let other connections have their turn.
    private static let chunkBytes = 256 << 10

    /// Encrypts and sends what waits, as far as the socket takes it. The rest follows by itself.
    func flush() {
        self.isTouched = false
        guard self.phase != .closed, !self.isWriting, let tls = self.tls else { return }
        // The first round is written right here, the second through the loop, so that others get their turn.
        for isFirst in [true, false] {
            if self.phase == .ready || self.phase == .closing || self.phase == .waitingForHello {
                guard self.encrypt(tls) else { return self.close(.failed("Expected to encrypt, but got an error")) }
            }
            let count = self.takeOutput(tls)
            guard count > 0 else { break }
            guard self.write(count, isFirst: isFirst) else { return }
        }
        if self.phase == .closing { self.shutDown(tls) } else { self.core.drained(self) }
    }

    private func encrypt(_ tls: TLSSession) -> Bool {
        let isDone = self.outbox.drain(limit: Self.chunkBytes - tls.outputBytes, gatheringIn: self.core.recordSpace) {
            tls.write($0)
        }
        if !self.outbox.startedRequests.isEmpty {
            self.core.markStarted(self.outbox.startedRequests)
            self.outbox.startedRequests.removeAll(keepingCapacity: true)
        }
        return isDone
    }

    /// Moves encrypted bytes to where they stay until they are written.
    private func takeOutput(_ tls: TLSSession) -> Int {
        let waiting = tls.outputBytes
        guard waiting > 0 else { return 0 }
        if self.output.count < waiting {
            self.output.deallocate()
            self.output = .allocate(byteCount: max(waiting, 4_096), alignment: 16)
        }
        return tls.takeOutput(into: self.output)
    }

    /// Writes the first bytes of the output; true when all are with the system already.
    private func write(_ count: Int, isFirst: Bool) -> Bool {
        let start = self.output.assumingMemoryBound(to: CChar.self).baseAddress
        var written = 0
        if isFirst {
            var buffer = uv_buf_init(start, UInt32(count))
            let result = uv_try_write(self.streamHandle, &buffer, 1)
            if result < 0, result != UV_EAGAIN.rawValue {
                self.close(.failed("Expected to write, but got: \(EventLoop.text(of: result))"))
                return false
            }
            written = Int(max(0, result))
            if written == count { return true }
        }
        var rest = uv_buf_init(start.map { $0 + written }, UInt32(count - written))
        self.writing.pointee.data = Unmanaged.passRetained(self).toOpaque()
        let code = uv_write(self.writing, self.streamHandle, &rest, 1) { request, status in
            guard let data = request?.pointee.data else { return }
            Unmanaged<Connection>.fromOpaque(data).takeRetainedValue().wrote(status)
        }
        if code != 0 {
            Unmanaged.passUnretained(self).release()
            self.close(.failed("Expected to write, but got: \(EventLoop.text(of: code))"))
            return false
        }
        self.isWriting = true
        return false
    }

    private func wrote(_ status: Int32) {
        self.isWriting = false
        guard self.phase != .closed else { return }
        if status != 0 { return self.close(.failed("Expected to write, but got: \(EventLoop.text(of: status))")) }
        self.flush()
    }

    /// Everything was sent: ends the stream in our direction and waits for the peer's end, so that nothing is lost on
    /// the way as it would be if the socket were closed with bytes unread.
    private func shutDown(_ tls: TLSSession) {
        guard self.outbox.isEmpty, !self.isWriting else { return }
        guard !self.hasShutDown else { return }
        self.hasShutDown = true
        tls.end()
        let count = self.takeOutput(tls)
        if count > 0, !self.write(count, isFirst: true), self.phase == .closed { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        // The system may refuse when the peer is gone already; the end of the stream then comes by reading.
        let code = uv_shutdown(request, self.streamHandle) { request, _ in request?.deallocate() }
        if code != 0 { request.deallocate() }
    }
}
