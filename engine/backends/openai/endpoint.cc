#include "engine/backends/openai/endpoint.h"

#include <algorithm>

#include "engine/core/error.h"

namespace penstock {

Endpoint embeddings_endpoint(std::string_view base_url) {
  constexpr std::string_view example = "such as https://api.openai.com/v1";
  const std::size_t scheme = base_url.find("://");
  if (!base_url.starts_with("http://") && !base_url.starts_with("https://"))
    throw FatalError("the address of an embedding service is an http or https URL, " +
                     std::string(example));
  if (std::ranges::any_of(base_url, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }))
    throw FatalError(
        "the address of an embedding service holds a space or a character that is "
        "not ASCII: percent-encode it");
  if (base_url.find('#') != std::string_view::npos)
    throw FatalError("the address of an embedding service has no fragment (#...)");
  const std::size_t query_at = std::min(base_url.find('?'), base_url.size());
  const std::string_view query = base_url.substr(query_at);
  std::string_view place = base_url.substr(0, query_at);
  const std::string_view host = place.substr(scheme + 3, place.find('/', scheme + 3) - scheme - 3);
  if (host.find('@') != std::string_view::npos)
    throw FatalError(
        "the address of an embedding service holds a user or a password: give the "
        "secret as an API key instead");
  if (host.empty() || host.starts_with(':'))
    throw FatalError("the address of an embedding service names no host; it is one " +
                     std::string(example));
  while (place.ends_with('/')) place.remove_suffix(1);

  Endpoint endpoint;
  endpoint.name = place;
  if (!place.ends_with("/embeddings")) endpoint.name += "/embeddings";
  endpoint.url = endpoint.name + std::string(query);
  endpoint.azure = query.find("?api-version=") != std::string_view::npos ||
                   query.find("&api-version=") != std::string_view::npos;
  return endpoint;
}

}  // namespace penstock
