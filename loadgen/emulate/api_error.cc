#include "loadgen/emulate/api_error.h"

#include <nlohmann/json.hpp>

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<std::string>& words) {
  return words ? Json(*words) : Json();
}

}  // namespace

std::string to_json(const ApiError& error) {
  const Json body = {{"error",
                      {{"message", error.message},
                       {"type", error.type},
                       {"param", or_null(error.param)},
                       {"code", or_null(error.code)}}}};
  return body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace penstock
