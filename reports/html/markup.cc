#include "reports/html/markup.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"

namespace penstock::html {

std::string text(std::string_view raw, std::size_t bytes_max) {
  std::string line = printable(raw);
  if (line.size() > bytes_max) {
    // Not within a character.
    while (bytes_max > 0 && (line[bytes_max] & 0xC0) == 0x80) --bytes_max;
    line.replace(bytes_max, std::string::npos, "…");
  }
  std::string escaped;
  for (const char c : line) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string lines(std::string_view raw) {
  std::string escaped;
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find('\n'), raw.size());
    escaped += text(raw.substr(0, end), end) + '\n';
    raw.remove_prefix(std::min(end + 1, raw.size()));
  }
  return escaped;
}

std::string percent(double part) {
  return fmt::format("{:.2f}%", 100 * std::clamp(part, 0.0, 1.0));
}

std::string section(std::string_view id, std::string_view heading, std::string_view note,
                    const std::string& body) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}{}</section>\n", id, text(heading),
                     note.empty() ? "" : fmt::format("<p class=\"note\">{}</p>\n", text(note)),
                     body);
}

std::string badge(std::string_view tone, std::string_view mark, std::string_view word) {
  return fmt::format("<span class=\"badge {}\"><span aria-hidden=\"true\">{}</span>{}</span>", tone,
                     mark, word);
}

std::string nothing(std::string_view why) {
  return fmt::format("<p class=\"nothing\">{}</p>\n", text(why));
}

}  // namespace penstock::html
