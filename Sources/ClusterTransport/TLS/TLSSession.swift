import COpenSSL
import RaftCore

/// One side of a TLS connection between two memory buffers: it never touches a socket. Used on the loop's thread only.
final class TLSSession {
    enum ReadResult: Hashable {
        case bytes(Int)
        /// More bytes of the peer are needed.
        case starved
        /// The peer has said that it sends no more.
        case ended
    }

    private let session: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private let isServer: Bool
    /// What was wrong with the peer's certificate, and the name in it.
    private var verification: (code: Int32, name: String?)?

    /// - Throws: `invalid` when OpenSSL has no memory.
    init(_ context: TLSContext, isServer: Bool) throws(TransportError) {
        guard let session = SSL_new(context.pointer) else {
            throw TransportError(.invalid, "Expected a TLS session, but got: \(Self.errorText())")
        }
        guard let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
            SSL_free(session)
            throw TransportError(.invalid, "Expected a memory buffer, but got: \(Self.errorText())")
        }
        self.session = session
        self.incoming = incoming
        self.outgoing = outgoing
        self.isServer = isServer
        copenssl_never_ends(incoming)
        // The session owns both from here on.
        SSL_set_bio(session, incoming, outgoing)
        if isServer { SSL_set_accept_state(session) } else { SSL_set_connect_state(session) }
        SSL_set_ex_data(session, 0, Unmanaged.passUnretained(self).toOpaque())
        SSL_set_verify(session, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, Self.verified)
    }

    deinit { SSL_free(self.session) }

    /// Notes why a certificate is not accepted; OpenSSL's verdict stands.
    private static let verified: @convention(c) (Int32, OpaquePointer?) -> Int32 = { verdict, store in
        guard verdict != 1, let store else { return verdict }
        guard let session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let object = SSL_get_ex_data(OpaquePointer(session), 0)
        else { return verdict }
        let owner = Unmanaged<TLSSession>.fromOpaque(object).takeUnretainedValue()
        owner.verification = (
            X509_STORE_CTX_get_error(store), X509_STORE_CTX_get0_cert(store).flatMap { TLSSession.uriName(in: $0) }
        )
        return verdict
    }

    /// Takes in what came from the peer.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        // A memory buffer takes everything or the process is out of memory; then the handshake or the read fails.
        BIO_write(self.incoming, start, Int32(truncatingIfNeeded: bytes.count))
    }

    /// Goes on with the handshake; true when it is done.
    ///
    /// - Throws: why the peer is not trusted.
    func handshake() throws(Refusal) -> Bool {
        ERR_clear_error()
        let result = SSL_do_handshake(self.session)
        if result == 1 { return true }
        if SSL_get_error(self.session, result) == SSL_ERROR_WANT_READ { return false }
        throw Refusal(.handshake, self.failureText())
    }

    /// Who the peer's certificate says it is.
    func peerName() throws(Refusal) -> CertificateName {
        guard let certificate = SSL_get0_peer_certificate(self.session) else {
            throw Refusal(.handshake, "Expected a certificate of the peer, but got none")
        }
        guard let name = Self.name(in: certificate) else {
            let got = Self.uriName(in: certificate).map { "'\($0)'" } ?? "none"
            throw Refusal(.wrongNode, "Expected one name thalweg://CLUSTER/node/N in the certificate, but got \(got)")
        }
        return name
    }

    func read(into space: UnsafeMutableRawBufferPointer) throws(Refusal) -> ReadResult {
        ERR_clear_error()
        let count = SSL_read(self.session, space.baseAddress, Int32(clamping: space.count))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(self.session, count) {
        case SSL_ERROR_WANT_READ: return .starved
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: throw Refusal(.handshake, self.failureText())
        }
    }

    /// Encrypts the start of the bytes; returns how many were taken.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        ERR_clear_error()
        return Int(max(0, SSL_write(self.session, bytes.baseAddress, Int32(clamping: bytes.count))))
    }

    /// Tells the peer that nothing more comes.
    func end() {
        ERR_clear_error()
        SSL_shutdown(self.session)
    }

    /// Encrypted bytes that wait to be taken.
    var outputBytes: Int { BIO_ctrl_pending(self.outgoing) }

    /// Moves encrypted bytes into the space; returns how many.
    func takeOutput(into space: UnsafeMutableRawBufferPointer) -> Int {
        Int(max(0, BIO_read(self.outgoing, space.baseAddress, Int32(clamping: space.count))))
    }

    // MARK: What went wrong

    private func failureText() -> String {
        if let verification {
            let name = verification.name.map { " ('\($0)')" } ?? ""
            switch verification.code {
            case X509_V_ERR_CERT_HAS_EXPIRED:
                return
                    "Expected a valid certificate, but got an expired one\(name); renew it with 'thalweg certs renew'"
            case X509_V_ERR_CERT_NOT_YET_VALID:
                return "Expected a valid certificate, but got one that is not valid yet\(name); compare the clocks"
            case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
                X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
                return "Expected a certificate of this cluster's CA, but got one of another CA\(name)"
            default:
                let reason = X509_verify_cert_error_string(Int(verification.code)).map { String(cString: $0) } ?? ""
                return "Expected a valid certificate, but got: \(reason)\(name)"
            }
        }
        return "Expected \(self.isServer ? "a node of the cluster" : "the node") to complete TLS 1.3, but got: "
            + Self.errorText()
    }

    /// What OpenSSL has to say on this thread, newest last.
    static func errorText() -> String {
        var texts: [String] = []
        while texts.count < 8 {
            let code = ERR_get_error()
            guard code != 0 else { break }
            texts.append(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
        }
        ERR_clear_error()
        return texts.isEmpty ? "the connection ended" : texts.joined(separator: "; ")
    }

    // MARK: Names

    /// The name of a node in the certificate; nil when there is none or more than one.
    static func name(in certificate: OpaquePointer) -> CertificateName? {
        guard let text = self.uri(0, in: certificate), self.uri(1, in: certificate) == nil else { return nil }
        return CertificateName(text)
    }

    /// The first URI among the certificate's names, fit for the log.
    static func uriName(in certificate: OpaquePointer) -> String? {
        self.uri(0, in: certificate).map { Identity.shown($0) }
    }

    private static func uri(_ position: Int32, in certificate: OpaquePointer) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { space -> String? in
            let text = space.assumingMemoryBound(to: CChar.self)
            let count = copenssl_uri_name(certificate, position, text.baseAddress, Int32(text.count))
            guard count != -1 else { return nil }
            // A name that does not fit is a name, but never that of a node.
            guard count >= 0 else { return "(too long)" }
            return String(decoding: UnsafeRawBufferPointer(space)[..<Int(count)], as: UTF8.self)
        }
    }
}
