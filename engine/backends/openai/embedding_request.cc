#include "engine/backends/openai/embedding_request.h"

#include <algorithm>
#include <cassert>

#include "engine/http/json_string.h"

namespace penstock {

std::string embedding_request(std::span<const std::string_view> inputs, std::string_view model,
                              EmbeddingEncoding encoding, std::optional<std::size_t> dimensions) {
  assert(!inputs.empty());
  assert(std::ranges::none_of(inputs, &std::string_view::empty));
  std::size_t bytes = model.size() + 128;
  // Lines of text hold a few escapes each.
  for (const std::string_view input : inputs) bytes += input.size() + input.size() / 16 + 8;
  std::string json;
  json.reserve(bytes);
  json += R"({"input":[)";
  for (const std::string_view input : inputs) {
    if (json.back() != '[') json += ',';
    append_json_string(json, input);
  }
  json += R"(],"model":)";
  append_json_string(json, model);
  json += R"(,"encoding_format":)";
  json += encoding == EmbeddingEncoding::base64 ? R"("base64")" : R"("float")";
  if (dimensions) json += R"(,"dimensions":)" + std::to_string(*dimensions);
  json += '}';
  return json;
}

}  // namespace penstock
