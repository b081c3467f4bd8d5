// What a server proves by TLS that it is itself. For http_server.cc only.
#pragma once

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <filesystem>

#include "engine/http/http_server.h"

namespace penstock {

// The files as they are now: a certificate that is renewed there needs no restart. Connections that
// are open go on with the one that they began with. One thread at a time.
class ServerCertificate {
 public:
  // `options` outlives it. Throws FatalError if the files cannot be used now.
  explicit ServerCertificate(const HttpServerOptions& options);

  // For one connection. Files that changed and cannot be used, such as a certificate whose key has
  // still to follow, are complained of once: what was read before stays in force.
  boost::asio::ssl::context& current();

 private:
  using Times = std::array<std::filesystem::file_time_type, 2>;
  Times modified_now() const;

  const HttpServerOptions& options_;
  Times modified_;  // when they were read: what changes meanwhile is read again
  boost::asio::ssl::context tls_;
};

}  // namespace penstock
