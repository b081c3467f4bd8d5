#include "engine/backends/redis/redis_tls.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace penstock {
namespace {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};

bool is_ip_address(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

Result<void> start_redis_tls(redisContext& connection, const RedisAddress& address) {
  const std::unique_ptr<SSL_CTX, FreeTls> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return permanent_error(address.text() + ": TLS cannot be set up on this machine");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  std::unique_ptr<SSL, FreeTls> session(SSL_new(context.get()));  // keeps the context
  if (session == nullptr) return retryable_error(address.text() + ": out of memory");
  // hiredis checks who signed the certificate, but not whose it is.
  if (is_ip_address(address.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), address.host.c_str());
  } else {
    SSL_set1_host(session.get(), address.host.c_str());
    SSL_set_tlsext_host_name(session.get(), address.host.c_str());
  }
  if (redisInitiateSSL(&connection, session.get()) != REDIS_OK) {
    const long verdict = SSL_get_verify_result(session.get());
    if (verdict != X509_V_OK)
      return permanent_error(address.text() + ": the certificate is not trusted (" +
                             X509_verify_cert_error_string(verdict) +
                             "); SSL_CERT_FILE names a file of those that are");
    return retryable_error(address.text() + ": no TLS: " + connection.errstr);
  }
  session.release();  // the connection's from here on
  return {};
}

}  // namespace penstock
