// Texts that were agreed: test/unit/data has them. What differs is written beside the build, to
// look at and to copy. For targets that define PENSTOCK_TEST_DATA and PENSTOCK_TEST_OUTPUT.
#pragma once

#include <algorithm>
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

// In columns of a terminal.
inline std::size_t width_of(const std::string& line) {
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
}

inline std::string without_colours(const std::string& coloured) {
  std::string plain;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\x1b')
      i = coloured.find('m', i);
    else
      plain += coloured[i];
  }
  return plain;
}

}  // namespace penstock
