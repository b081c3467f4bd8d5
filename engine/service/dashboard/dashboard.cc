#include "engine/service/dashboard/dashboard.h"

#include <array>
#include <cstddef>
#include <string>

#include "engine/core/sha256.h"

#define ASSET(symbol, path, media_type) \
  extern "C" const char symbol[];       \
  extern "C" const char symbol##_end[];
#include "assets.inc"
#undef ASSET

namespace penstock {
namespace {

// Half of a SHA-256 tells contents apart.
std::string etag_of(std::string_view bytes) {
  const Sha256 digest = sha256(bytes);
  const std::string_view half(reinterpret_cast<const char*>(digest.data()), digest.size() / 2);
  return '"' + to_hex(half) + '"';
}

struct Assets {
  std::array<Asset, 0
#define ASSET(symbol, path, media_type) +1
#include "assets.inc"
#undef ASSET
             >
      all{{
#define ASSET(symbol, path, media_type) \
  {path, media_type, {symbol, static_cast<std::size_t>(symbol##_end - symbol)}, {}},
#include "assets.inc"
#undef ASSET
      }};
  std::array<std::string, std::tuple_size_v<decltype(all)>> etags;

  Assets() {
    for (std::size_t i = 0; i < all.size(); ++i) {
      etags[i] = etag_of(all[i].bytes);
      all[i].etag = etags[i];
    }
  }
};

}  // namespace

std::span<const Asset> dashboard_assets() {
  static const Assets assets;
  return assets.all;
}

}  // namespace penstock
