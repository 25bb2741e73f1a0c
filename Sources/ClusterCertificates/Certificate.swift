internal import COpenSSL

/// A private key. Never leaves the thread that made it.
final class PrivateKey {
    let handle: OpaquePointer

    /// A new key on the curve P-256.
    init() throws(CertificateError) {
        guard let key = copenssl_new_key() else { throw .openSSL("a new key") }
        handle = key
    }

    /// Reads a key without a password.
    init(pem: [UInt8], name: String) throws(CertificateError) {
        let key = withReader(pem) { reader in
            // A password would be asked for at the terminal; an empty one is given instead.
            PEM_read_bio_PrivateKey(reader, nil, { _, _, _, _ in 0 }, nil)
        }
        guard let key else {
            throw .input(
                "Expected a private key without password in PEM form in '\(name)', but got: "
                    + CertificateError.lastReason()
            )
        }
        handle = key
    }

    deinit { EVP_PKEY_free(handle) }

    func pem() throws(CertificateError) -> [UInt8] {
        let bytes = withWriter { PEM_write_bio_PrivateKey($0, handle, nil, nil, 0, nil, nil) == 1 }
        guard let bytes else { throw .openSSL("the key's text") }
        return bytes
    }
}

/// A certificate that was read or made. Never leaves the thread that made it.
final class Certificate {
    let handle: OpaquePointer

    /// Takes over the handle.
    init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { X509_free(handle) }

    /// How many certificates one file may hold.
    static let countLimit = 32

    /// Reads all certificates of a file, in their order; at least one.
    static func all(pem: [UInt8], name: String) throws(CertificateError) -> [Certificate] {
        var found: [Certificate] = []
        let isComplete = withReader(pem) { reader -> Bool? in
            while found.count <= countLimit, let next = PEM_read_bio_X509(reader, nil, { _, _, _, _ in 0 }, nil) {
                found.append(Certificate(next))
            }
            // "No start line" is how the end of the text is told.
            let reason = Int32(truncatingIfNeeded: ERR_peek_last_error() & 0x7F_FFFF)
            return reason == PEM_R_NO_START_LINE
        }
        guard isComplete == true, !found.isEmpty else {
            let reason = found.count > countLimit ? "more than \(countLimit)" : CertificateError.lastReason()
            throw .input("Expected certificates in PEM form in '\(name)', but got: \(reason)")
        }
        ERR_clear_error()
        return found
    }

    func pem() throws(CertificateError) -> [UInt8] {
        guard let bytes = withWriter({ PEM_write_bio_X509($0, handle) == 1 }) else {
            throw .openSSL("the certificate's text")
        }
        return bytes
    }

    /// Seconds since 1970; nil when the certificate's own field cannot be read.
    var notBefore: Int64? { Certificate.seconds(X509_get0_notBefore(handle)) }
    /// Seconds since 1970, the last one of its life; nil when the certificate's own field cannot be read.
    var notAfter: Int64? { Certificate.seconds(X509_get0_notAfter(handle)) }

    /// The serial number in hexadecimal digits.
    var serial: String {
        guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(handle), nil) else { return "" }
        defer { BN_free(number) }
        guard let text = BN_bn2hex(number) else { return "" }
        defer { CRYPTO_free(text, #file, #line) }
        return String(cString: text).lowercased()
    }

    /// SHA-256 of the whole certificate in hexadecimal digits.
    var fingerprint: String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(handle, EVP_sha256(), &digest, &count) == 1 else { return "" }
        return digest.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    var isAuthority: Bool { X509_check_ca(handle) == 1 }

    func fits(_ key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(handle, key.handle) == 1
    }

    /// Whether this one's signature was made with that one's key.
    func isSigned(by authority: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return X509_verify(handle, X509_get0_pubkey(authority.handle)) == 1
    }

    /// Nil if one of `authorities` signed this certificate and it may be used for both ends of a connection at that
    /// time (seconds since 1970), else OpenSSL's words for why not.
    func problem(against authorities: [Certificate], at now: Int64) -> String? {
        guard let store = X509_STORE_new() else { return "out of memory" }
        defer { X509_STORE_free(store) }
        for authority in authorities { X509_STORE_add_cert(store, authority.handle) }
        defer { ERR_clear_error() }
        let result = copenssl_verify(handle, store, now)
        return result == X509_V_OK ? nil : String(cString: X509_verify_cert_error_string(Int(result)))
    }

    /// The names this certificate is for.
    var names: CertificateNames {
        var names = CertificateNames()
        guard let list = copenssl_names(handle) else {
            ERR_clear_error()
            return names
        }
        defer { copenssl_free_names(list) }
        for index in 0..<max(0, copenssl_name_count(list)) {
            var bytes: UnsafePointer<UInt8>?
            var count: Int32 = 0
            let kind = copenssl_name(list, index, &bytes, &count)
            let content = Array(UnsafeBufferPointer(start: bytes, count: Int(max(0, count))))
            switch kind {
            case GEN_URI: names.uris.append(String(decoding: content, as: UTF8.self))
            case GEN_DNS: (try? HostName(String(decoding: content, as: UTF8.self))).map { names.hosts.append($0) }
            case GEN_IPADD: HostName(addressBytes: content).map { names.hosts.append($0) }
            default: break
            }
        }
        return names
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var seconds: Int64 = 0
        return copenssl_seconds(time, &seconds) == 1 ? seconds : nil
    }
}

/// The names in a certificate.
struct CertificateNames {
    var uris: [String] = []
    var hosts: [HostName] = []

    /// Whom it names, if it names exactly one member of one cluster.
    var subject: CertificateSubject? {
        let subjects = uris.compactMap { CertificateSubject(uri: $0) }
        return subjects.count == 1 ? subjects[0] : nil
    }
}

/// Lets `body` read `bytes` as a stream of OpenSSL's.
private func withReader<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result?) -> Result? {
    ERR_clear_error()
    return bytes.withUnsafeBytes { buffer -> Result? in
        guard let count = Int32(exactly: buffer.count), let reader = copenssl_reader(buffer.baseAddress, count) else {
            return nil
        }
        defer { BIO_free(reader) }
        return body(reader)
    }
}

/// What `body` writes to a stream of OpenSSL's; nil when it returns false.
private func withWriter(_ body: (OpaquePointer) -> Bool) -> [UInt8]? {
    guard let writer = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(writer) }
    guard body(writer) else { return nil }
    var start: UnsafeMutablePointer<CChar>?
    let count = copenssl_written(writer, &start)
    return UnsafeRawBufferPointer(start: start, count: max(0, count)).map { $0 }
}
