#include "engine/http/url_target.h"

#include <simdjson.h>

#include <algorithm>
#include <set>

#include "engine/core/uri.h"

namespace penstock {
UrlTarget::UrlTarget(std::string_view target) : path_(target.substr(0, target.find('?'))) {
  // With broken escapes, as it is.
  const auto decoded = [this](std::string_view text) {
    std::optional<std::string> whole = query_decoded(text);
    is_sound_ = is_sound_ && whole && simdjson::validate_utf8(whole->data(), whole->size());
    return std::move(whole).value_or(std::string(text));
  };
  std::string_view query = target.substr(path_.size());
  if (!query.empty()) query.remove_prefix(1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t sign = std::min(pair.find('='), pair.size());
    parameters_.emplace_back(decoded(pair.substr(0, sign)),
                             decoded(pair.substr(std::min(pair.size(), sign + 1))));
  }
}

std::string UrlTarget::parameter(std::string_view name) const {
  const auto found =
      std::ranges::find(parameters_, name, &std::pair<std::string, std::string>::first);
  return found == parameters_.end() ? std::string() : found->second;
}

std::vector<std::string> UrlTarget::parameters(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [each, value] : parameters_)
    if (each == name) values.push_back(value);
  return values;
}

std::optional<std::string> UrlTarget::repeated() const {
  std::set<std::string_view> names;
  for (const auto& [name, value] : parameters_)
    if (!names.insert(name).second) return name;
  return std::nullopt;
}

}  // namespace penstock
