internal import COpenSSL

/// When a certificate is valid, in seconds since 1970.
package struct Validity: Hashable, Sendable {
    package var notBefore: Int64
    /// The last second of its life.
    package var notAfter: Int64

    /// Clocks of machines may differ by that much without a new certificate being refused.
    static let backdatingSeconds: Int64 = 300
    package static let daysLimit: Int64 = 36_500

    /// Valid from five minutes before `now`, for that many seconds after it. Zero or less gives one that has expired,
    /// which drills need.
    package init(now: Int64, seconds: Int64) {
        notAfter = now + seconds
        notBefore = min(now - Validity.backdatingSeconds, notAfter - 3_600)
    }

    /// As many days as a user asked for, 1 to ``daysLimit``.
    package init(now: Int64, days: Int64) throws(CertificateError) {
        guard (1...Validity.daysLimit).contains(days) else {
            throw .input("Expected 1 to \(Validity.daysLimit) days, but got \(days)")
        }
        self.init(now: now, seconds: days * 86_400)
    }
}

/// What a new certificate shall say.
struct CertificateRequest {
    var subject: CertificateSubject
    var hosts: [HostName] = []
    var validity: Validity

    /// Makes the certificate of `key`, signed by `authority`, or by itself if there is none.
    func issue(
        for key: PrivateKey,
        signedBy authority: (certificate: Certificate, key: PrivateKey)? = nil
    ) throws(CertificateError) -> Certificate {
        guard let handle = X509_new() else { throw .openSSL("a new certificate") }
        let certificate = Certificate(handle)
        let issuer = authority?.certificate ?? certificate
        // Version 3 is written as 2.
        let isFilled =
            X509_set_version(handle, 2) == 1 && copenssl_set_random_serial(handle) == 1
            && copenssl_set_validity(handle, validity.notBefore, validity.notAfter) == 1
            && X509_set_pubkey(handle, key.handle) == 1
            && copenssl_set_common_name(X509_get_subject_name(handle), subject.commonName) == 1
            && X509_set_issuer_name(handle, X509_get_subject_name(issuer.handle)) == 1
        guard isFilled, addNames(to: handle) else { throw .openSSL("the fields of a new certificate") }
        for (kind, value) in extensions where copenssl_add_extension(handle, issuer.handle, kind, value) != 1 {
            throw .openSSL("the extension \(value)")
        }
        let signingKey = authority?.key ?? key
        guard X509_sign(handle, signingKey.handle, EVP_sha256()) > 0 else { throw .openSSL("a signature") }
        return certificate
    }

    /// The uses of RFC 5280, 4.2.1: an authority signs nodes' certificates and nothing else, no authority below it;
    /// a node both serves and calls.
    private var extensions: [(Int32, String)] {
        let role: [(Int32, String)] =
            subject.nodeID == nil
            ? [(NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign")]
            : [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth,clientAuth"),
            ]
        return role + [(NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid:always")]
    }

    private func addNames(to handle: OpaquePointer) -> Bool {
        guard let names = copenssl_new_names() else { return false }
        defer { copenssl_free_names(names) }
        let uri = Array(subject.uri.utf8)
        guard copenssl_add_name(names, GEN_URI, uri, Int32(uri.count)) == 1 else { return false }
        for host in hosts {
            let isAdded: Bool
            switch host.form {
            case .name(let name):
                let bytes = Array(name.utf8)
                isAdded = copenssl_add_name(names, GEN_DNS, bytes, Int32(bytes.count)) == 1
            case .address(let bytes):
                isAdded = copenssl_add_name(names, GEN_IPADD, bytes, Int32(bytes.count)) == 1
            }
            guard isAdded else { return false }
        }
        return copenssl_set_names(handle, names) == 1
    }
}
