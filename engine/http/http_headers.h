// The headers of a request or a response, in order.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// A header's name in small letters.
std::string lower_case(std::string_view name);
// A header's value without the white space around it.
std::string_view without_blanks(std::string_view value);

struct HttpHeader {
  std::string name;
  std::string value;
};

class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<HttpHeader> headers) : headers_(headers) {}

  void add(std::string name, std::string value) {
    headers_.push_back({std::move(name), std::move(value)});
  }
  // The first of this name, in any case of its letters.
  std::optional<std::string_view> find(std::string_view name) const;

  auto begin() const { return headers_.begin(); }
  auto end() const { return headers_.end(); }

 private:
  std::vector<HttpHeader> headers_;
};

}  // namespace penstock
