#include "reports/terminal_text.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "reports/format.h"

namespace penstock {
namespace {

constexpr std::size_t columns = 100;

}  // namespace

std::string upper(std::string_view word) {
  std::string text(word);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string wrapped(const std::string& head, const std::string& sentence) {
  std::string text = head;
  std::size_t used = head.size();
  std::istringstream words(printable(sentence));
  bool is_first = true;
  for (std::string word; words >> word; is_first = false) {
    if (!is_first && used + 1 + word.size() > columns) {
      text += '\n' + std::string(head.size(), ' ');
      used = head.size();
      is_first = true;
    }
    if (!is_first) text += ' ';
    text += word;
    used += word.size() + (is_first ? 0 : 1);
  }
  return text + '\n';
}

std::string without_blank_ends(const std::string& text) {
  std::string trimmed;
  for (const char c : text) {
    if (c == '\n') trimmed.erase(trimmed.find_last_not_of(' ') + 1);
    trimmed += c;
  }
  return trimmed;
}

}  // namespace penstock
