#include "reports/markdown_text.h"

#include <fmt/format.h>

#include "reports/format.h"

namespace penstock {

std::string markdown_text(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
    if (c == '<')
      escaped += "&lt;";
    else if (c == '&')
      escaped += "&amp;";
    else if (std::string_view("\\`*_{}[]#|~@!").find(c) != std::string_view::npos)
      (escaped += '\\') += c;
    else
      escaped += c;
  }
  return escaped;
}

std::string markdown_details(const std::string& summary, const std::string& table) {
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n", summary, table);
}

}  // namespace penstock
