#include "engine/backends/openai/embedding_request.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace penstock {
namespace {

// What JSON wants in place of a byte: 0 the byte itself, 'u' its number, else a letter after '\'.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}

constexpr std::array<char, 256> escapes = make_escapes();

void append_string(std::string& json, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  json += '"';
  std::size_t run = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const char escape = escapes[byte];
    if (escape == 0) continue;
    json.append(text, run, at - run);
    run = at + 1;
    json += '\\';
    json += escape;
    if (escape != 'u') continue;
    json += "00";
    json += digits[byte >> 4];
    json += digits[byte & 0xF];
  }
  json.append(text, run);
  json += '"';
}

}  // namespace

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
    append_string(json, input);
  }
  json += R"(],"model":)";
  append_string(json, model);
  json += R"(,"encoding_format":)";
  json += encoding == EmbeddingEncoding::base64 ? R"("base64")" : R"("float")";
  if (dimensions) json += R"(,"dimensions":)" + std::to_string(*dimensions);
  json += '}';
  return json;
}

}  // namespace penstock
