// Where embeddings are asked for.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

struct Endpoint {
  std::string url;   // with the query, which may be nobody's business
  std::string name;  // for messages: scheme, host, port and path
  // The query names an api-version: Azure, which takes a key as `api-key` and would take a bearer
  // for a token of its directory.
  bool azure = false;
};

// Of a base URL such as https://api.openai.com/v1, to which /embeddings is added before the query.
// Throws FatalError for what is no http or https URL, and for one with a user or a fragment.
Endpoint embeddings_endpoint(std::string_view base_url);

}  // namespace penstock
