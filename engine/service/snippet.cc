#include "engine/service/snippet.h"

#include <algorithm>
#include <cstddef>
#include <set>

namespace penstock {
namespace {

constexpr std::size_t lines_max = 3;
constexpr std::size_t columns_max = 88;

struct Word {
  std::string_view text;  // with its punctuation
  bool matches = false;
};

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

// The word's letters in lower case (ASCII only: enough to find what to set in bold).
std::string core_of(std::string_view word) {
  std::string core;
  for (const char c : word)
    if (is_word_byte(c)) core += (c >= 'A' && c <= 'Z') ? static_cast<char>(c + 32) : c;
  return core;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view spaces = " \t\n\r";
  for (std::size_t at = text.find_first_not_of(spaces); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(spaces, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(spaces, end);
  }
  return words;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Where a window of so many words holds the most different words of the query.
std::size_t best_start(const std::vector<Word>& words, std::size_t window) {
  std::size_t best = 0;
  std::size_t best_count = 0;
  for (std::size_t start = 0; start < words.size(); ++start) {
    if (start > 0 && !words[start].matches) continue;
    std::set<std::string> distinct;
    for (std::size_t i = start; i < std::min(words.size(), start + window); ++i)
      if (words[i].matches) distinct.insert(core_of(words[i].text));
    if (distinct.size() <= best_count) continue;
    best_count = distinct.size();
    best = start;
  }
  // Some words before the first match make it readable.
  constexpr std::size_t lead = 4;
  return best > lead ? best - lead : 0;
}

}  // namespace

std::vector<std::string> snippet(std::string_view text, std::string_view query,
                                 const SnippetMarks& marks) {
  std::set<std::string> wanted;
  for (const std::string_view word : split(query)) wanted.insert(core_of(word));
  std::vector<Word> words;
  for (const std::string_view word : split(text))
    words.push_back({word, wanted.contains(core_of(word))});

  constexpr std::size_t window = lines_max * columns_max / 7;  // a word and its space
  std::vector<std::string> lines;
  std::size_t columns = 0;
  const std::size_t start = best_start(words, window);
  for (std::size_t i = start; i < words.size(); ++i) {
    // A word longer than a line, as in CJK text, is cut at a character.
    std::string_view word = words[i].text;
    if (columns_of(word) > columns_max) {
      std::size_t end = 0;
      for (std::size_t kept = 0; end < word.size() && kept <= columns_max; ++end)
        if ((static_cast<unsigned char>(word[end]) & 0xC0) != 0x80 && ++kept > columns_max) break;
      word = word.substr(0, end);
    }
    const std::size_t width = columns_of(word);
    if (lines.empty() || columns + 1 + width > columns_max) {
      if (lines.size() == lines_max) {
        lines.back() += " …";
        break;
      }
      lines.emplace_back(lines.empty() && start > 0 ? "… " : "");
      columns = lines.back().empty() ? 0 : 2;
    } else {
      lines.back() += ' ';
      ++columns;
    }
    if (words[i].matches) lines.back() += marks.begin;
    lines.back() += word;
    if (words[i].matches) lines.back() += marks.end;
    columns += width;
  }
  return lines;
}

}  // namespace penstock
