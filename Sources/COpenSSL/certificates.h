#ifndef THALWEG_COPENSSL_CERTIFICATES_H
#define THALWEG_COPENSSL_CERTIFICATES_H

/* Making, reading and checking certificates: what of OpenSSL are macros, which Swift does not import. */

#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* A new key on the curve P-256, or NULL. */
static inline EVP_PKEY *copenssl_new_key(void)
{
    return EVP_EC_gen("P-256");
}

/* A stream that reads `bytes`, which the caller keeps alive. */
static inline BIO *copenssl_reader(const void *bytes, int count)
{
    return BIO_new_mem_buf(bytes, count);
}

/* What was written to a stream in memory; valid until the stream is freed. */
static inline long copenssl_written(BIO *stream, char **bytes)
{
    return BIO_get_mem_data(stream, bytes);
}

/* A positive serial number of up to 128 random bits. */
static inline int copenssl_set_random_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    int done = number != NULL && BN_rand(number, 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY)
        && !BN_is_zero(number) && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

/* Seconds since 1970 are what the rest of the house counts in. */
static inline int copenssl_set_validity(X509 *certificate, int64_t not_before, int64_t not_after)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before) != NULL
        && ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after) != NULL;
}

static inline int copenssl_seconds(const ASN1_TIME *value, int64_t *seconds)
{
    struct tm fields;
    if (value == NULL || !ASN1_TIME_to_tm(value, &fields)) return 0;
    *seconds = (int64_t)timegm(&fields);
    return 1;
}

static inline int copenssl_set_common_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0);
}

/* Adds an extension in OpenSSL's own notation. Only for constant values: the notation knows commas and sections. */
static inline int copenssl_add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    if (extension == NULL) return 0;
    int done = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static inline GENERAL_NAMES *copenssl_new_names(void)
{
    return sk_GENERAL_NAME_new_null();
}

static inline void copenssl_free_names(GENERAL_NAMES *names)
{
    GENERAL_NAMES_free(names);
}

/* Appends a name of kind GEN_URI, GEN_DNS or GEN_IPADD. */
static inline int copenssl_add_name(GENERAL_NAMES *names, int kind, const void *bytes, int count)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = kind == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (name == NULL || text == NULL || !ASN1_STRING_set(text, bytes, count)) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(text);
        return 0;
    }
    GENERAL_NAME_set0_value(name, kind, text);
    if (sk_GENERAL_NAME_push(names, name) > 0) return 1;
    GENERAL_NAME_free(name);
    return 0;
}

/* The certificate takes a copy of the names. */
static inline int copenssl_set_names(X509 *certificate, GENERAL_NAMES *names)
{
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

/* The names of a certificate, to be freed by the caller, or NULL. */
static inline GENERAL_NAMES *copenssl_names(const X509 *certificate)
{
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline int copenssl_name_count(const GENERAL_NAMES *names)
{
    return sk_GENERAL_NAME_num(names);
}

/* The kind of the name at `index` and its bytes; -1 for a kind that is none of ours. */
static inline int copenssl_name(const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count)
{
    int kind = -1;
    const ASN1_STRING *text = (const ASN1_STRING *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &kind);
    if (kind != GEN_URI && kind != GEN_DNS && kind != GEN_IPADD) return -1;
    *bytes = ASN1_STRING_get0_data(text);
    *count = ASN1_STRING_length(text);
    return kind;
}

/* X509_V_OK if `certificate` was signed by one of `authorities` and may serve and call at that time, else why not. */
static inline int copenssl_verify(X509 *certificate, X509_STORE *authorities, int64_t at)
{
    const int purposes[] = { X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT };
    for (int index = 0; index < 2; index++) {
        X509_STORE_CTX *context = X509_STORE_CTX_new();
        if (context == NULL || !X509_STORE_CTX_init(context, authorities, certificate, NULL)) {
            X509_STORE_CTX_free(context);
            return X509_V_ERR_UNSPECIFIED;
        }
        X509_STORE_CTX_set_time(context, 0, (time_t)at);
        X509_STORE_CTX_set_purpose(context, purposes[index]);
        X509_verify_cert(context);
        int result = X509_STORE_CTX_get_error(context);
        X509_STORE_CTX_free(context);
        if (result != X509_V_OK) return result;
    }
    return X509_V_OK;
}

#endif
