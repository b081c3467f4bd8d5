#include "engine/backends/local/local_files.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "test/contract/blob_store_contract.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

std::size_t entries_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                std::filesystem::directory_iterator()));
}

TEST_CASE("local files: keep the contract of a blob store") {
  const TempDir folder;
  LocalFiles files;
  run_blob_store_contract(files, folder.path() + "/");
}

TEST_CASE("local files: writing leaves nothing but the file") {
  const TempDir folder;
  LocalFiles files;
  for (int i = 0; i < 2; ++i) REQUIRE(files.write(folder.path("a/b/c"), "content").has_value());
  CHECK(entries_in(folder.path("a/b")) == 1);
}

TEST_CASE("local files: a write that fails leaves what was there") {
  const TempDir folder;
  folder.write("file", "old");
  folder.write("folder/child", "x");
  LocalFiles files;
  const Result<void> below_a_file = files.write(folder.path("file/child"), "new");
  REQUIRE_FALSE(below_a_file.has_value());
  CHECK(below_a_file.error().kind == ErrorKind::permanent);
  const Result<void> over_a_folder = files.write(folder.path("folder"), "new");
  REQUIRE_FALSE(over_a_folder.has_value());
  CHECK(over_a_folder.error().kind == ErrorKind::permanent);
  CHECK(entries_in(folder.path()) == 2);
  CHECK(files.read(folder.path("file"), 10).value().bytes() == "old");
  CHECK_FALSE(files.remove(folder.path("folder")).has_value());
}

TEST_CASE("local files: who still reads the old content reads it to its end") {
  const TempDir folder;
  LocalFiles files;
  REQUIRE(files.write(folder.path("file"), "old").has_value());
  std::ifstream reader(folder.path("file"));
  REQUIRE(files.write(folder.path("file"), "new").has_value());
  std::string content;
  reader >> content;
  CHECK(content == "old");
}

TEST_CASE("local files: pieces of any size make one file, past the page cache or through it") {
  const TempDir folder;
  LocalFiles files;
  // Aligned, as a server's parts are: pieces of whole pages are taken as they lie.
  alignas(4'096) static std::array<char, 200'000> memory;
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<char>(i * 131 + i / 251);
  // Around a block, and around what a direct write is a multiple of.
  for (const std::size_t bytes : {0, 1, 4'095, 4'096, 65'535, 65'536, 65'537, 200'000}) {
    for (const std::size_t piece : {1'000, 4'096, 65'536, 150'000}) {
      const std::string_view content(memory.data(), bytes);
      const std::string path = folder.path("file");
      auto writer = files.begin(path);
      REQUIRE(writer);
      for (std::size_t at = 0; at < bytes; at += piece)
        REQUIRE((*writer)->append(content.substr(at, piece)));
      REQUIRE((*writer)->commit());
      const auto read = files.read(path, UINT64_MAX);
      REQUIRE(read);
      CHECK(read->bytes() == content);
    }
  }
}

}  // namespace
}  // namespace penstock
