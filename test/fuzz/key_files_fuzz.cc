// Anything as a file of keys: of those who may ask, and of those that the embedding service knows.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/backends/openai/api_keys.h"
#include "engine/core/error.h"
#include "engine/core/unique_fd.h"
#include "engine/service/client_keys.h"
#include "test/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const UniqueFd file(memfd_create("keys", MFD_CLOEXEC));
  REQUIRE(write(file.get(), data, size) == static_cast<ssize_t>(size));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  try {
    for (const auto& [id, key] : read_client_keys(path)) {
      REQUIRE(!id.empty() && key.id == id);
      REQUIRE(is_tenant(key.tenant));
    }
  } catch (const FatalError& error) {
    REQUIRE(std::string_view(error.what()).find(path) != std::string_view::npos);
  }
  try {
    // A secret that went into a header must not end it.
    for (const ApiKey& key : load_api_keys({"default"}, path).keys)
      for (const char c : key.secret.expose()) REQUIRE(c > ' ' && c < '\x7F');
  } catch (const FatalError&) {
  }
  return 0;
}
