#include "engine/backends/pinecone/index_address.h"

#include <algorithm>

#include "engine/core/error.h"

namespace penstock {
namespace {

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-' || c == '.';
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

// Without the port.
std::string_view host_of(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon == std::string_view::npos || authority.ends_with(']') ? authority
                                                                     : authority.substr(0, colon);
}

}  // namespace

IndexAddress index_address(std::string_view url) {
  constexpr std::string_view scheme = "pinecone://";
  const auto refuse = [&](const char* what) {
    // A query or a user may be a secret that is in the wrong place.
    const std::string shown(url.substr(0, url.find_first_of("?@")));
    return FatalError(shown + ": " + what +
                      "; write pinecone://INDEX-HOST or pinecone://INDEX-HOST/NAMESPACE, with the "
                      "host that Pinecone's console shows for the index");
  };
  if (!url.starts_with(scheme)) throw refuse("not an index of Pinecone");
  std::string_view rest = url.substr(scheme.size());

  bool tls = true;
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    if (rest.substr(mark) != "?tls=off") throw refuse("the only query is ?tls=off");
    tls = false;
    rest = rest.substr(0, mark);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::string_view host = host_of(authority);
  const auto is_of_a_host = [](char c) { return is_plain(c) || c == ':' || c == '[' || c == ']'; };
  if (host.empty() || !std::ranges::all_of(authority, is_of_a_host) || authority.ends_with(':'))
    throw refuse("names no host");

  IndexAddress address;
  if (slash < rest.size()) address.space = rest.substr(slash + 1);
  if (!std::ranges::all_of(address.space, is_plain))
    throw refuse("a namespace is letters, digits, '-', '_' and '.'");
  const bool plain = !tls || is_loopback(host);
  address.origin = (plain ? "http://" : "https://") + std::string(authority);
  address.name = std::string(scheme) + std::string(authority);
  if (!address.space.empty()) address.name += '/' + address.space;
  return address;
}

}  // namespace penstock
