// An extraction child whose extractor does what the document says: what a hostile PDF would make
// Poppler do, without waiting for a bug in it. It replaces extract_text.cc at link time, so pool,
// protocol, child and lockdown are the real ones.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/stages/extract/extract_text.h"
#include "engine/stages/extract/extractor_pool.h"

namespace penstock {
namespace {

[[noreturn]] void allocate_for_ever() {
  std::vector<char*> blocks;
  for (;;) {
    blocks.push_back(new char[16 << 20]);
    std::memset(blocks.back(), 1, 16 << 20);
  }
}

[[noreturn]] void hang() {
  for (volatile bool for_ever = true; for_ever;) {
  }
  std::abort();
}

std::string whether(bool allowed) {
  return allowed ? "allowed" : "denied";
}

}  // namespace

TextExtractor::TextExtractor(ExtractorKind) {}
TextExtractor::~TextExtractor() = default;

ExtractedPages TextExtractor::extract(std::uint64_t, std::string_view bytes, PageRange range,
                                      std::size_t) {
  ExtractedPages result;
  result.pages_total = 1;
  if (bytes == "crash") raise(SIGSEGV);
  if (bytes == "abort") std::abort();
  if (bytes == "exit") _exit(0);
  if (bytes == "hang") hang();
  if (bytes == "allocate") allocate_for_ever();
  if (bytes == "fork") static_cast<void>(fork());
  if (bytes == "connect") static_cast<void>(socket(AF_INET, SOCK_STREAM, 0));
  if (bytes == "execute") execl("/bin/true", "true", nullptr);
  if (bytes == "open") result.utf8 = whether(::open("/etc/passwd", O_RDONLY) >= 0);
  if (bytes == "create") result.utf8 = whether(::open("/tmp/x", O_CREAT | O_WRONLY, 0600) >= 0);
  if (bytes == "lie in bytes") result.utf8 = "\xff\xfe";
  if (bytes == "lie with NUL") result.utf8 = std::string("a\0b", 3);
  if (bytes == "lie in outcome") result.outcome = Outcome::pending;
  if (bytes == "pages" || bytes == "crash on page 5") {
    result.pages_total = 10;
    for (std::uint32_t page = range.first; page < std::min(10u, range.first + range.count);
         ++page) {
      if (page == 4 && bytes != "pages") raise(SIGSEGV);
      result.utf8 += "page " + std::to_string(page + 1) + "\n";
      result.page_ends.push_back(result.utf8.size());
    }
    return result;
  }
  if (bytes == "text") result.utf8 = "text\n";
  result.page_ends = {result.utf8.size()};
  return result;
}

bool has_character_maps() {
  return true;
}
std::string poppler_library_version() {
  return "hostile";
}

}  // namespace penstock

int main(int argc, char** argv) {
  int exit_code = 2;
  penstock::run_extractor_child_if_asked(argc, argv, exit_code);
  return exit_code;
}
