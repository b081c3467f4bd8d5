// What a user's files say: lines of a manifest, patterns, and a list of paths.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/backends/local/glob.h"
#include "engine/backends/local/manifest.h"
#include "engine/backends/local/path_list.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

void check_manifest(std::string_view line) {
  const Result<ManifestEntry> entry = parse_manifest_line(line);
  if (!entry) {
    REQUIRE(!entry.error().message.empty());
    return;
  }
  REQUIRE(!entry->path.empty() && !entry->key.empty());
  REQUIRE(entry->metadata.empty() || nlohmann::json::parse(entry->metadata).is_object());
}

void check_glob(std::string_view bytes) {
  const std::size_t middle = bytes.size() / 2;
  static_cast<void>(glob_matches(std::string(bytes.substr(0, middle)), bytes.substr(middle)));
}

void check_list(std::string_view bytes) {
  const int fd = memfd_create("list", MFD_CLOEXEC);
  REQUIRE(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  lseek(fd, 0, SEEK_SET);
  const std::atomic<bool> closed{false};
  PathList list(fd, closed);
  std::size_t total = 0;
  while (const std::optional<std::string> path = list.next()) {
    REQUIRE(!path->empty());
    total += path->size();
  }
  REQUIRE(total <= bytes.size());
  close(fd);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  penstock::check_manifest(bytes);
  penstock::check_glob(bytes);
  penstock::check_list(bytes);
  return 0;
}
