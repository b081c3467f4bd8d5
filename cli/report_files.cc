#include "cli/report_files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "engine/core/error.h"

namespace penstock {

std::string shell_word(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

void make_report_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw FatalError(path + ": " + error.message());
  if (access(path.c_str(), W_OK) != 0) throw FatalError(path + ": " + std::strerror(errno));
}

void write_report(const std::string& folder, const std::string& name,
                  const std::function<void(std::ostream&)>& write) {
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  write(file);
  file.close();
  if (!file) throw FatalError(path.string() + " cannot be written; is its disk full?");
}

void write_report(const std::string& folder, const std::string& name, const std::string& text) {
  write_report(folder, name, [&](std::ostream& out) { out << text; });
}

}  // namespace penstock
