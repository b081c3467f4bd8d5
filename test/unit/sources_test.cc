#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/local/document_key.h"
#include "engine/backends/local/glob.h"
#include "engine/backends/local/local_files.h"
#include "engine/backends/local/manifest.h"
#include "engine/backends/local/path_list.h"
#include "engine/backends/local/source_walk.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

// The keys of a walk, without the folder's path in front.
std::vector<std::string> keys_of(SourceWalkOptions options, const TempDir& folder) {
  SourceWalk walk(std::move(options));
  std::vector<std::string> keys;
  while (const std::optional<Claim> claim = walk.claim()) {
    std::string key = claim->key;
    if (key.starts_with(folder.path() + "/")) key.erase(0, folder.path().size() + 1);
    keys.push_back(key);
  }
  return keys;
}

std::string refusal_of(const std::string& source) {
  try {
    SourceWalk walk({{source}, {}, {}, {}});
  } catch (const FatalError& error) {
    return error.what();
  }
  return "none";
}

using Keys = std::vector<std::string>;

TEST_CASE("sources: a folder is walked to the bottom, in the order of names") {
  const TempDir folder;
  for (const char* name : {"b.pdf", "a/z.pdf", "a/b/c.pdf", ".hidden.pdf"}) folder.write(name, "x");
  CHECK(keys_of({{folder.path()}, {}, {}, {}}, folder) ==
        Keys{".hidden.pdf", "a/b/c.pdf", "a/z.pdf", "b.pdf"});
}

TEST_CASE("sources: symbolic links to files are files, and loops of folders end") {
  const TempDir folder;
  folder.write("a/one.pdf", "x");
  std::filesystem::create_directory_symlink(folder.path(), folder.path("a/up"));
  std::filesystem::create_symlink(folder.path("a/one.pdf"), folder.path("link.pdf"));
  CHECK(keys_of({{folder.path()}, {}, {}, {}}, folder) == Keys{"a/one.pdf", "link.pdf"});
}

TEST_CASE("sources: what is in two sources is claimed once") {
  const TempDir folder;
  const std::string file = folder.write("a/one.pdf", "x");
  CHECK(keys_of({{folder.path("a"), file, folder.path()}, {}, {}, {}}, folder) ==
        Keys{"a/one.pdf"});
}

TEST_CASE("sources: globs choose files in folders, and exclude wins") {
  const TempDir folder;
  for (const char* name : {"a.pdf", "b.txt", "old/c.pdf", "old/deep/d.pdf", "new/e.pdf"})
    folder.write(name, "x");
  CHECK(keys_of({{folder.path()}, {"*.pdf"}, {"old"}, {}}, folder) == Keys{"a.pdf", "new/e.pdf"});
  CHECK(keys_of({{folder.path()}, {"old/**"}, {}, {}}, folder) ==
        Keys{"old/c.pdf", "old/deep/d.pdf"});
  CHECK(keys_of({{folder.path("b.txt")}, {"*.pdf"}, {}, {}}, folder) == Keys{"b.txt"});
}

TEST_CASE("sources: the store's own files are passed over") {
  const TempDir folder;
  folder.write("a.pdf", "x");
  const std::string store = folder.write("penstock.db", "x");
  CHECK(keys_of({{folder.path()}, {}, {}, {store}}, folder) == Keys{"a.pdf"});
}

TEST_CASE("sources: pipes and sockets in a folder are no documents") {
  const TempDir folder;
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(keys_of({{folder.path()}, {}, {}, {}}, folder).empty());
}

TEST_CASE("sources: a name that is no UTF-8 has a key that is, and its own location") {
  const TempDir folder;
  const std::string file = folder.write("a\xff.pdf", "x");
  SourceWalk walk({{folder.path()}, {}, {}, {}});
  const std::optional<Claim> claim = walk.claim();
  REQUIRE(claim.has_value());
  CHECK(claim->key == folder.path("a\\xFF.pdf"));
  CHECK(claim->location == file);
}

TEST_CASE("sources: no other path has the key of a name that is no UTF-8") {
  // Of what is not UTF-8, what only looks like its escape, and what is both.
  CHECK(key_of("/caf\xE9.pdf") == "/caf\\xE9.pdf");
  CHECK(key_of("/caf\\xE9.pdf") == "/caf\\x5CxE9.pdf");
  CHECK(key_of("/\\\xE9") == "/\\\\xE9");
  CHECK(key_of("/\\\\xE9") == "/\\\\x5CxE9");
  CHECK(key_of("/\\x5CxE9") == "/\\x5Cx5CxE9");
  CHECK(key_of(std::string_view("/a\0b", 4)) == "/a\\x00b");
  // Everything else is written as it is.
  CHECK(key_of("/\u00e9\u20ac\U0001F600") == "/\u00e9\u20ac\U0001F600");
  CHECK(key_of("s3://b/C:\\docs\\xml\\a.pdf") == "s3://b/C:\\docs\\xml\\a.pdf");
  // Broken characters: what goes on, surrogates, too long, too large, cut off.
  CHECK(key_of("\x80") == "\\x80");
  const std::string fits(key_bytes_max, 'a');
  CHECK(key_of(fits) == fits);
  const std::string longer = "/" + std::string(3'000, '\xE9');
  CHECK(key_of(longer).size() <= key_bytes_max);
  CHECK(key_of(longer).starts_with("/\\xE9\\xE9"));
  CHECK(key_of(longer) != key_of(longer + "b"));
  CHECK(key_of("\xED\xA0\x80") == "\\xED\\xA0\\x80");
  CHECK(key_of("\xC0\xAF") == "\\xC0\\xAF");
  CHECK(key_of("\xF4\x90\x80\x80") == "\\xF4\\x90\\x80\\x80");
  CHECK(key_of("\xE2\x82") == "\\xE2\\x82");
}

TEST_CASE("sources: a broken link is claimed, and cannot be read") {
  const TempDir folder;
  std::filesystem::create_symlink("nowhere", folder.path("link.pdf"));
  SourceWalk walk({{folder.path()}, {}, {}, {}});
  const std::optional<Claim> claim = walk.claim();
  REQUIRE(claim.has_value());
  const auto read = LocalFiles().read(claim->location, 100);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().message == "vanished before it was read");
}

TEST_CASE("sources: what does not exist is an error at once") {
  const TempDir folder;
  CHECK(refusal_of(folder.path("no")) == "no such file or folder: " + folder.path("no"));
  std::filesystem::create_symlink("loop", folder.path("loop"));
  CHECK(refusal_of(folder.path("loop")) ==
        folder.path("loop") + ": Too many levels of symbolic links");
}

TEST_CASE("sources: a manifest gives keys and metadata, and its paths are relative to it") {
  const TempDir folder;
  const std::string file = folder.write("data/one.pdf", "12345");
  const std::string manifest =
      folder.write("list.jsonl",
                   "{\"key\":\"K1\",\"path\":\"data/one.pdf\",\"metadata\":{\"a\": 1}}\n\n"
                   "{\"path\":\"" +
                       file + "\"}\n");
  SourceWalk walk({{manifest}, {}, {}, {}});
  const std::optional<Claim> first = walk.claim();
  REQUIRE(first.has_value());
  CHECK(first->key == "K1");
  CHECK(first->location == file);
  CHECK(first->metadata == "{\"a\":1}");
  CHECK(first->stamp.bytes == 5);
  const std::optional<Claim> second = walk.claim();
  REQUIRE(second.has_value());
  CHECK(second->key == file);
  CHECK_FALSE(walk.claim().has_value());
  CHECK(walk.ended());
}

TEST_CASE("sources: a bad manifest line is named before anything is done") {
  const TempDir folder;
  const std::string manifest = folder.write("list.jsonl", "{\"path\":\"a\"}\n{\"key\":1}\n");
  CHECK(refusal_of(manifest) == manifest + ", line 2: \"path\" is missing or not a text");
  // No file has such a path, and no database such a key.
  folder.write("list.jsonl", "{\"path\":\"a\\u0000b\"}\n");
  CHECK(refusal_of(manifest) == manifest + ", line 1: \"path\" holds a NUL");
  folder.write("list.jsonl", "{\"path\":\"a\",\"key\":\"a\\u0000b\"}\n");
  CHECK(refusal_of(manifest) == manifest + ", line 1: \"key\" holds a NUL");
  folder.write("list.jsonl", "{\"path\":\"caf\xE9.pdf\"}\n");
  CHECK(refusal_of(manifest).starts_with(manifest + ", line 1: not JSON: "));
}

TEST_CASE("sources: two documents of a manifest under one key are refused, a repeated one is not") {
  const TempDir folder;
  const std::string line = "{\"path\":\"a\",\"key\":\"K\"}\n";
  const std::string manifest = folder.write("list.jsonl", line + line);
  CHECK(refusal_of(manifest) == "none");
  folder.write("list.jsonl", line + "{\"path\":\"b\",\"key\":\"K\"}\n");
  CHECK(refusal_of(manifest) ==
        manifest + ", line 2: its key is that of another document in line 1");
}

TEST_CASE("sources: a closed walk gives nothing more, and has not ended") {
  const TempDir folder;
  folder.write("a.pdf", "x");
  SourceWalk walk({{folder.path()}, {}, {}, {}});
  walk.close();
  CHECK_FALSE(walk.claim().has_value());
  CHECK_FALSE(walk.ended());
}

std::vector<std::string> listed(std::string_view bytes) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  REQUIRE(write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  close(ends[1]);
  std::atomic<bool> closed{false};
  PathList list(ends[0], closed);
  std::vector<std::string> paths;
  while (std::optional<std::string> path = list.next()) paths.push_back(*path);
  close(ends[0]);
  return paths;
}

TEST_CASE("sources: a list of paths has a line each, or NULs") {
  CHECK(listed("a b\nc\r\n\nd") == Keys{"a b", "c", "d"});
  CHECK(listed(std::string_view("a\nb\0c\0", 6)) == Keys{"a\nb", "c"});
  CHECK(listed("").empty());
}

TEST_CASE("sources: a list that nobody writes to ends when it is closed") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  std::atomic<bool> closed{false};
  PathList list(ends[0], closed);
  std::thread closer([&] { closed = true; });
  CHECK_FALSE(list.next().has_value());
  closer.join();
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("files: only regular files are read") {
  const TempDir folder;
  LocalFiles files;
  CHECK(files.read(folder.write("a", "bytes"), 10)->bytes() == "bytes");
  CHECK(files.read(folder.path(), 10).error().message == "is a folder");
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(files.read(folder.path("pipe"), 10).error().message == "is a pipe, not a file");
  CHECK(files.read("/dev/null", 10).error().message == "is a device, not a file");
  CHECK_FALSE(files.read(folder.path("a"), 4).has_value());
}

TEST_CASE("files: the stamp of a file that just changed proves nothing") {
  const TempDir folder;
  const std::optional<SourceStamp> stamp = stamp_of_file(folder.write("a", "bytes"));
  REQUIRE(stamp.has_value());
  CHECK(stamp->bytes == 5);
  CHECK(stamp->changed_ns == 0);
  CHECK_FALSE(stamp->proves_unchanged_since(*stamp));
  CHECK_FALSE(stamp_of_file(folder.path("b")).has_value());
}

TEST_CASE("glob: stars stay within a folder, two stars do not") {
  CHECK(glob_matches("*.pdf", "a/b/c.pdf"));
  CHECK(glob_matches("a/*.pdf", "a/c.pdf"));
  CHECK_FALSE(glob_matches("a/*.pdf", "a/b/c.pdf"));
  CHECK(glob_matches("a/**/c.pdf", "a/c.pdf"));
  CHECK(glob_matches("a/**/c.pdf", "a/x/y/c.pdf"));
  CHECK(glob_matches("**/y/*", "x/y/z"));
  CHECK_FALSE(glob_matches("a/**", "b/c"));
  CHECK(glob_matches("[ab]?.txt", "b1.txt"));
}

}  // namespace
}  // namespace penstock
