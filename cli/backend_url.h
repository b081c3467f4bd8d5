// URLs that name backends: SCHEME:REST.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// What a URL without a scheme has: nothing of both.
struct BackendUrl {
  std::string scheme;  // sqlite, postgres, pgvector, pinecone, redis, rediss, redis+cluster
  std::string rest;    // behind the colon
};

BackendUrl parse_backend_url(const std::string& url);

// For messages: the URL with *** for its password, if it has one.
std::string without_password(const std::string& url);

}  // namespace penstock
