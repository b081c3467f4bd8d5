// What a client says of where a listing goes on: what is taken is a place that every catalog can be
// asked for, and said again it is the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/backends/postgres/postgres_values.h"
#include "engine/http/url_target.h"
#include "engine/service/documents.h"
#include "test/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const UrlTarget target("/v1/documents?" + std::string(query));
  // The others are refused whatever they say.
  if (!target.is_sound() || target.repeated()) return 0;
  const std::string text = target.parameter("cursor");
  const auto cursor = cursor_from(text);
  if (!cursor) return 0;
  REQUIRE(require_key(cursor->id));
  REQUIRE(text.ends_with('.' + cursor->id));
  const auto again = cursor_from(text_of(*cursor));
  REQUIRE(again && again->received == cursor->received && again->id == cursor->id);
  return 0;
}
