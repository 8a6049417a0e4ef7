/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "redis/tls.h"

#include <apr_strings.h>

#ifdef SVB_HIREDIS_SSL

#include <poll.h>

#include <apr_network_io.h>
#include <hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct svb_tls {
    SSL_CTX *context;  /* NULL: see error */
    const char *error; /* why there is none */
    SSL *ssl;          /* the present connection's; the redisContext owns it */
};

static const char *reason(const char *what, const char *which, apr_pool_t *p)
{
    const char *text = ERR_reason_error_string(ERR_get_error());

    return apr_psprintf(p, "%s%s: %s", what, which, text ? text : "it failed");
}

/* All that the files are needed for. */
static const char *load(SSL_CTX *context, const svb_exchange_address *address,
                        apr_pool_t *p)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (address->ca_file
            ? !SSL_CTX_load_verify_locations(context, address->ca_file, NULL)
            : !SSL_CTX_set_default_verify_paths(context)) {
        return reason("cafile=", address->ca_file ? address->ca_file : "", p);
    }
    if (address->cert_file
        && SSL_CTX_use_certificate_chain_file(context, address->cert_file)
               != 1) {
        return reason("certfile=", address->cert_file, p);
    }
    if (address->key_file
        && (SSL_CTX_use_PrivateKey_file(context, address->key_file,
                                        SSL_FILETYPE_PEM)
                != 1
            || SSL_CTX_check_private_key(context) != 1)) {
        return reason("keyfile=", address->key_file, p);
    }
    return NULL;
}

static apr_status_t free_context(void *data)
{
    svb_tls *tls = data;

    SSL_CTX_free(tls->context);
    tls->context = NULL;
    return APR_SUCCESS;
}

svb_tls *svb_tls_create(const svb_exchange_address *address, apr_pool_t *p)
{
    svb_tls *tls = apr_pcalloc(p, sizeof(*tls));

    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context) {
        tls->error = reason("TLS", "", p);
        return tls;
    }
    apr_pool_cleanup_register(p, tls, free_context, apr_pool_cleanup_null);
    tls->error = load(tls->context, address, p);
    return tls;
}

const char *svb_tls_check(const svb_exchange_address *address, apr_pool_t *p)
{
    return svb_tls_create(address, p)->error;
}

/* The name, or the address, that the certificate has to be of. */
static int expect_host(SSL *ssl, const char *host)
{
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
           || (SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host));
}

/* Why it has failed: the certificate, if that is it. */
static const char *refusal(const SSL *ssl, apr_pool_t *p)
{
    long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

    return verified == X509_V_OK
               ? reason("TLS", "", p)
               : apr_psprintf(p, "TLS: the certificate: %s",
                              X509_verify_cert_error_string(verified));
}

static const char *begin(svb_tls *tls, redisContext *context, const char *host,
                         apr_pool_t *p)
{
    SSL *ssl = SSL_new(tls->context);
    const char *error;

    if (ssl && expect_host(ssl, host)
        && redisInitiateSSL(context, ssl) == REDIS_OK) {
        tls->ssl = ssl;
        return NULL;
    }
    error = refusal(ssl, p);
    SSL_free(ssl);
    return error;
}

const char *svb_tls_go_on(svb_tls *tls, redisContext *context, const char *host,
                          int *events, apr_pool_t *p)
{
    const char *error = tls->error;
    int rv;

    ERR_clear_error();
    if (!error && !tls->ssl) {
        error = begin(tls, context, host, p);
    }
    if (error) {
        return error;
    }
    rv = SSL_do_handshake(tls->ssl);
    *events = 0;
    if (rv == 1) {
        return NULL;
    }
    switch (SSL_get_error(tls->ssl, rv)) {
    case SSL_ERROR_WANT_READ:
        *events = POLLIN;
        return NULL;
    case SSL_ERROR_WANT_WRITE:
        *events = POLLOUT;
        return NULL;
    default:
        return refusal(tls->ssl, p);
    }
}

int svb_tls_wants_to_read(const svb_tls *tls)
{
    return tls && tls->ssl && SSL_want_read(tls->ssl);
}

void svb_tls_forget(svb_tls *tls)
{
    if (tls) {
        tls->ssl = NULL;
    }
}

#else /* hiredis without TLS */

const char *svb_tls_check(const svb_exchange_address *address, apr_pool_t *p)
{
    (void)address;
    return apr_psprintf(
        p,
        "rediss: hiredis %d.%d.%d, with which mod_servoy_redis was built, has no TLS: let "
        "stunnel do it, and give its address on this machine with redis://, or use unix:",
        HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}

svb_tls *svb_tls_create(const svb_exchange_address *address, apr_pool_t *p)
{
    (void)address, (void)p;
    return NULL;
}

const char *svb_tls_go_on(svb_tls *tls, redisContext *context, const char *host,
                          int *events, apr_pool_t *p)
{
    (void)tls, (void)context, (void)host, (void)p;
    *events = 0;
    return NULL;
}

int svb_tls_wants_to_read(const svb_tls *tls)
{
    (void)tls;
    return 0;
}

void svb_tls_forget(svb_tls *tls)
{
    (void)tls;
}

#endif
