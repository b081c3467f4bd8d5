// Texts that were agreed: test/unit/data has them. What differs is written beside the build, to
// look at and to copy. For targets that define PENSTOCK_TEST_DATA and PENSTOCK_TEST_OUTPUT.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "test/support/catch.h"

namespace penstock {

inline void check_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path golden = std::filesystem::path(PENSTOCK_TEST_DATA) / name;
  const std::filesystem::path actual = std::filesystem::path(PENSTOCK_TEST_OUTPUT) / name;
  std::ifstream in(golden, std::ios::binary);
  std::ostringstream agreed;
  agreed << in.rdbuf();
  const bool is_same = text == agreed.str();
  if (!is_same) {
    std::filesystem::create_directories(actual.parent_path());
    std::ofstream(actual, std::ios::binary) << text;
  }
  INFO("diff " << golden << ' ' << actual);
  CHECK(is_same);
}

// What a person sees of a page is decided by its style, and looked at in a browser.
inline std::string without_style(std::string page) {
  const std::size_t begin = page.find("<style>"), end = page.find("</style>");
  return page.erase(begin, end - begin);
}

}  // namespace penstock
