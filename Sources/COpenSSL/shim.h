#ifndef THALWEG_COPENSSL_SHIM_H
#define THALWEG_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "certificates.h"

/* Macros, which Swift does not import. TLS 1.3 only; nothing is resumed, so each connection shows its certificate. */
static inline int copenssl_configure(SSL_CTX *context)
{
    if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
        return 0;
    if (SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1)
        return 0;
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    return SSL_CTX_set_num_tickets(context, 0);
}

/* An empty memory BIO reads as "try again", not as the end. */
static inline void copenssl_never_ends(BIO *bio)
{
    BIO_set_mem_eof_return(bio, -1);
}

/* The URI at this position among the certificate's alternative names: its length, or -1 when there are fewer, or -2
 * when it does not fit or holds a zero byte. */
static inline int copenssl_uri_name(const X509 *certificate, int position, char *buffer, int size)
{
    GENERAL_NAMES *names = (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int found = -1;
    if (names == NULL)
        return -1;
    for (int index = 0; index < sk_GENERAL_NAME_num(names); index++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
        if (name->type != GEN_URI || position-- != 0)
            continue;
        int length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
        const unsigned char *text = ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
        if (length < 0 || length >= size || memchr(text, 0, (size_t)length) != NULL) {
            found = -2;
        } else {
            memcpy(buffer, text, (size_t)length);
            found = length;
        }
        break;
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* Seconds from now until the time; negative when it has passed. */
static inline long long copenssl_seconds_until(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, NULL, time) != 1)
        return 0;
    return (long long)days * 86400 + seconds;
}

#endif
