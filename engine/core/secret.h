// What is never shown.
#pragma once

#include <string>
#include <utility>

namespace penstock {

// A string that no stream, formatter or comparison takes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  // For the header of a request, and to keep it out of messages.
  const std::string& expose() const { return value_; }

 private:
  std::string value_;
};

}  // namespace penstock
