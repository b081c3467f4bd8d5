#include "loadgen/emulate/pinecone_error.h"

#include <nlohmann/json.hpp>

namespace penstock {

std::string to_json(const PineconeError& error) {
  using Json = nlohmann::ordered_json;
  const Json body = {{"code", error.code}, {"message", error.message}, {"details", Json::array()}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock
