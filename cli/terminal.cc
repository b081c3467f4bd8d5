#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace penstock {
namespace {

std::optional<std::size_t> columns_of_environment() {
  const char* const variable = std::getenv("COLUMNS");
  const std::string_view digits = variable == nullptr ? "" : variable;
  std::size_t columns = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), columns);
  return columns == 0 ? std::nullopt : std::optional(columns);
}

}  // namespace

std::optional<std::size_t> terminal_columns(int descriptor) {
  if (isatty(descriptor) != 1) return columns_of_environment();
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace penstock
