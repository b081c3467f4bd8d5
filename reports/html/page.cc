#include "reports/html/page.h"

#include <fmt/format.h>

#include "reports/format.h"
#include "reports/html/markup.h"

extern "C" const char penstock_report_css[];
extern "C" const char penstock_report_css_end[];

namespace penstock::html {

std::string page(std::string_view title, const std::string& body, std::string_view style) {
  const std::string_view css(
      penstock_report_css, static_cast<std::size_t>(penstock_report_css_end - penstock_report_css));
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\">\n<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" "
      "href=\"data:,\">\n<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n{}</body>\n</"
      "html>\n",
      text(title), css, style, body);
}

std::string fact(std::string_view name, const std::string& value, const std::string& more) {
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", name, value,
                     more.empty() ? "" : fmt::format(" <span class=\"soft\">{}</span>", more));
}

std::string environment_line(const Environment& machine) {
  return fmt::format("{} of {} · {} · {} · penstock {} ({}) · {}", counted(machine.cores, "core"),
                     text(machine.machine), human_bytes(machine.memory_bytes), text(machine.system),
                     text(machine.version), text(machine.build), text(machine.started));
}

}  // namespace penstock::html
