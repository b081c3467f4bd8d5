#include "loadgen/json_fields.h"

namespace penstock {

std::string text_in(const Json& object, const char* name) {
  const auto value = object.find(name);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

std::uint64_t number_in(const Json& object, const char* name) {
  const auto value = object.find(name);
  return value != object.end() && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

std::optional<double> real_in(const Json& object, const char* name) {
  const auto value = object.find(name);
  if (value == object.end() || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

}  // namespace penstock
