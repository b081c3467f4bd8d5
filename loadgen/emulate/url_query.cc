#include "loadgen/emulate/url_query.h"

#include <algorithm>
#include <charconv>

namespace penstock {
namespace {

// What is no escape stays as it is.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

UrlTarget::UrlTarget(std::string_view target) : path_(target.substr(0, target.find('?'))) {
  std::string_view query = target.substr(path_.size());
  if (!query.empty()) query.remove_prefix(1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
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

}  // namespace penstock
