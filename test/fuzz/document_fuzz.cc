// Any bytes as a document.
#include <cstdint>
#include <string_view>

#include "test/fuzz/check_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::check_document({reinterpret_cast<const char*>(data), size});
  return 0;
}
