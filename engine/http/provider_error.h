// What a service says went wrong, and how it may be shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// Empty: not said.
struct ProviderError {
  std::string message;
  std::string code;   // insufficient_quota, model_not_found, ...
  std::string param;  // which part of the request it complains about
};

// Of the body of an answer that is no success: OpenAI's {"error": {...}}, what other servers make
// of it ({"error": "..."}, {"message": ...}, {"detail": ...}), or plain text; HTML says nothing.
ProviderError read_provider_error(const std::string& body);

// One line that can be shown: control characters become spaces; the secrets, and whatever else
// looks like a key of OpenAI's (sk-...), become [redacted]; what is longer than 300 bytes is cut
// between two characters. Services quote keys that they refuse.
std::string presentable(std::string_view text, const std::vector<std::string_view>& secrets);

}  // namespace penstock
