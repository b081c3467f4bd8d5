#include "engine/http/server_certificate.h"

#include <system_error>

#include "engine/core/error.h"

namespace penstock {
namespace {

using boost::asio::ssl::context;
using boost::system::error_code;

context read(const HttpServerOptions& options) {
  context tls(context::tls_server);
  error_code error;
  tls.set_options(context::default_workarounds | context::no_tlsv1 | context::no_tlsv1_1 |
                      context::no_compression,
                  error);
  if (!error) tls.use_certificate_chain_file(options.certificate_file, error);
  if (error)
    throw FatalError(options.certificate_file + ": cannot be used as a certificate (" +
                     error.message() + "); it is a PEM file, the server's own first");
  tls.use_private_key_file(options.key_file, context::pem, error);
  if (error)
    throw FatalError(options.key_file + ": cannot be used as the key of " +
                     options.certificate_file + " (" + error.message() + ")");
  return tls;
}

}  // namespace

ServerCertificate::ServerCertificate(const HttpServerOptions& options)
    : options_(options), modified_(modified_now()), tls_(read(options)) {}

context& ServerCertificate::current() {
  const Times modified = modified_now();
  if (modified == modified_) return tls_;
  modified_ = modified;
  try {
    tls_ = read(options_);
  } catch (const FatalError& failure) {
    if (options_.complain) options_.complain(failure.what());
  }
  return tls_;
}

ServerCertificate::Times ServerCertificate::modified_now() const {
  std::error_code error;  // of what is not there: a time as well
  return {std::filesystem::last_write_time(options_.certificate_file, error),
          std::filesystem::last_write_time(options_.key_file, error)};
}

}  // namespace penstock
