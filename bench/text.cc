#include "bench/text.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "fixtures/fixture.h"

namespace penstock {

std::string bench_text(std::size_t bytes) {
  std::string text;
  if (const char* path = std::getenv("PENSTOCK_BENCH_TEXT"); path != nullptr) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    text = std::move(content).str();
    if (text.empty()) {
      std::fprintf(stderr, "PENSTOCK_BENCH_TEXT: cannot read %s\n", path);
      std::exit(1);
    }
  }
  for (std::size_t number = 0; text.size() < bytes && std::getenv("PENSTOCK_BENCH_TEXT") == nullptr;
       ++number)
    text += fixtures::sized_document(1, number, 400'000).text;
  if (text.size() > bytes) {
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    text.resize(bytes);
  }
  return text;
}

}  // namespace penstock
