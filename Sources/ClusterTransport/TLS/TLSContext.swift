import COpenSSL
import RaftCore

/// A node's own certificate and key and the CA it trusts, as read from its folder at one time.
///
/// `@unchecked Sendable`: the context is not changed after `init`; OpenSSL counts its users itself.
final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Who the own certificate says this node is.
    let name: CertificateName
    /// Seconds from the moment of reading until the own certificate expires; negative when it has.
    let secondsLeft: Int64

    /// Reads `node.pem`, `node.key` and `ca.pem`.
    ///
    /// - Throws: `invalid` when a file cannot be used or the certificate names somebody else.
    init(folder: String, node: NodeID, clusterID: String) throws(TransportError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_method()) else {
            throw TransportError(.invalid, "Expected a TLS context, but got: \(TLSSession.errorText())")
        }
        var isKept = false
        defer { if !isKept { SSL_CTX_free(context) } }
        guard copenssl_configure(context) == 1, SSL_CTX_set_ciphersuites(context, Self.ciphers) == 1 else {
            throw TransportError(.invalid, "Expected OpenSSL with TLS 1.3, but got: \(TLSSession.errorText())")
        }
        guard SSL_CTX_use_certificate_chain_file(context, folder + "/node.pem") == 1 else {
            throw Self.unusable("a certificate in \(folder)/node.pem")
        }
        guard SSL_CTX_use_PrivateKey_file(context, folder + "/node.key", SSL_FILETYPE_PEM) == 1,
            SSL_CTX_check_private_key(context) == 1
        else { throw Self.unusable("the certificate's private key in \(folder)/node.key") }
        guard SSL_CTX_load_verify_locations(context, folder + "/ca.pem", nil) == 1 else {
            throw Self.unusable("the cluster's CA in \(folder)/ca.pem")
        }
        guard let own = SSL_CTX_get0_certificate(context), let name = TLSSession.name(in: own) else {
            throw TransportError(
                .invalid,
                "Expected one name thalweg://CLUSTER/node/N in \(folder)/node.pem, but got none or several; "
                    + "make the certificate with 'thalweg certs create-node'"
            )
        }
        guard name.node == node, name.clusterID == clusterID else {
            throw TransportError(
                .invalid,
                "Expected a certificate of node \(node) of cluster \(clusterID) in \(folder)/node.pem, "
                    + "but got one of node \(name.node) of cluster \(name.clusterID)"
            )
        }
        self.pointer = context
        self.name = name
        self.secondsLeft = copenssl_seconds_until(X509_get0_notAfter(own))
        isKept = true
    }

    deinit { SSL_CTX_free(self.pointer) }

    private static let ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    private static func unusable(_ what: String) -> TransportError {
        TransportError(.invalid, "Expected \(what), but got: \(TLSSession.errorText())")
    }
}
