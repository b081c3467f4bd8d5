// An answer of OpenAI's API that says what is wrong.
#pragma once

#include <optional>
#include <string>

namespace penstock {

struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::optional<std::string> param = std::nullopt;
  std::optional<std::string> code = std::nullopt;
};

// {"error": {...}}. What is not UTF-8 in it comes out as U+FFFD.
std::string to_json(const ApiError& error);

}  // namespace penstock
