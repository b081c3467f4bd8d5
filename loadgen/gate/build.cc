#include "loadgen/gate/build.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/sha256.h"
#include "loadgen/child.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

std::string version_of(const std::string& program, const std::string& log) {
  constexpr std::string_view name = "penstock ";
  Child child({program, "--version"}, {}, log);
  const int code = child.wait();
  const std::string said = child.output();
  if (code != 0 || !said.starts_with(name))
    throw FatalError(program + ": is no penstock that runs here; --version says \"" +
                     said.substr(0, said.find('\n')) + '"');
  return said.substr(name.size(), said.find('\n') - name.size());
}

// "-g3e915f5", of the sources that CMake built there. Empty: it is no such folder, or no checkout.
std::string commit_of(const fs::path& folder, const std::string& log) {
  constexpr std::string_view key = "CMAKE_HOME_DIRECTORY:INTERNAL=";
  std::ifstream cache(folder / "CMakeCache.txt");
  std::string line;
  while (std::getline(cache, line) && !line.starts_with(key)) continue;
  if (!cache) return {};
  Child child({"/usr/bin/env", "git", "-C", line.substr(key.size()), "describe", "--always",
               "--dirty", "--exclude=*"},
              {}, log);
  if (child.wait() != 0) return {};
  const std::string said = child.output();
  return "-g" + said.substr(0, said.find('\n'));
}

}  // namespace

std::string digest_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  Sha256Stream stream;
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    stream.add({buffer.data(), static_cast<std::size_t>(file.gcount())});
  return to_hex(stream.digest());
}

Build find_build(const std::string& path, const std::string& log) {
  std::error_code error;
  const fs::path given = fs::canonical(path, error);
  if (error) throw FatalError(path + ": " + error.message());
  const bool is_folder = fs::is_directory(given);
  const fs::path program = is_folder ? given / "cli/penstock" : given;
  if (!is_program(program))
    throw FatalError(path + (is_folder ? ": has no cli/penstock; build the target penstock there"
                                       : ": is no program"));
  // A program that was given alone may lie in its build folder.
  const fs::path folder = program.parent_path().parent_path();
  const fs::path stages = folder / "bench/stages_run";
  Build build;
  build.program = program.string();
  if (is_program(stages)) build.stages = stages.string();
  build.identity = {path, version_of(build.program, log) + commit_of(folder, log),
                    digest_of_file(build.program)};
  return build;
}

}  // namespace penstock
