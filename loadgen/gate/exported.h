// What `penstock export` says of a store.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

struct ExportedDocument {
  // A word of the text, and about where: chunks know their first page and their last, and words are
  // taken to lie evenly between them.
  struct Word {
    std::size_t begin = 0;  // in `text`
    std::size_t bytes = 0;
    std::uint32_t page = 1;
  };

  std::string outcome;
  std::uint64_t pages = 0;
  std::uint64_t tokens = 0;
  std::uint64_t chunks = 0;
  std::uint64_t chunks_twice = 0;             // with the ordinal, or the whole text, of one before
  std::string text;                           // once, without what chunks repeat
  std::vector<Word> words;                    // in its order
  std::map<std::string, std::int64_t> times;  // by step; milliseconds since 1970

  std::string_view word(std::size_t index) const {
    return std::string_view(text).substr(words[index].begin, words[index].bytes);
  }
};

// By key, without `prefix`. Lines that are none of an export are passed over: a program may have
// warned of something.
using Exported = std::map<std::string, ExportedDocument>;
Exported read_export(const std::string& lines, const std::string& prefix);

}  // namespace penstock
