#include "test/contract/blob_store_contract.h"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "test/support/catch.h"

namespace penstock {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

std::string every_byte(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1'664'525 + 1'013'904'223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

std::string content_of(BlobStore& blobs, const std::string& location) {
  const Result<MemoryFile> content = blobs.read(location, no_limit);
  if (!content) FAIL(location + ": " + content.error().message);
  return std::string(content->bytes());
}

}  // namespace

void run_blob_store_contract(BlobStore& blobs, const std::string& prefix) {
  const std::string there = prefix + "folder/there";

  SECTION("what was written is read to the byte") {
    const std::size_t size = GENERATE(1, 4'096, 3'000'001);
    const std::string bytes = every_byte(size);
    REQUIRE(blobs.write(there, bytes).has_value());
    CHECK(content_of(blobs, there) == bytes);
  }

  SECTION("what came piece by piece is read to the byte") {
    const std::size_t size = GENERATE(0, 1, 3'000'001);
    const std::string bytes = every_byte(size);
    const auto writer = blobs.begin(there);
    REQUIRE(writer.has_value());
    for (std::size_t at = 0; at < size; at += 100'000)
      REQUIRE((*writer)->append(std::string_view(bytes).substr(at, 100'000)).has_value());
    CHECK_FALSE(blobs.read(there, no_limit).has_value());
    REQUIRE((*writer)->commit().has_value());
    CHECK(content_of(blobs, there) == bytes);
  }

  SECTION("a range is read, or what there is of it") {
    const std::string bytes = every_byte(100'000);
    REQUIRE(blobs.write(there, bytes).has_value());
    CHECK(blobs.read_range(there, 0, 100'000) == bytes);
    CHECK(blobs.read_range(there, 70'000, 10) == bytes.substr(70'000, 10));
    CHECK(blobs.read_range(there, 99'999, 10) == bytes.substr(99'999));
    CHECK(blobs.read_range(there, 100'000, 10) == std::string());
    CHECK(blobs.read_range(there, 5, 0) == std::string());
    CHECK_FALSE(blobs.read_range(prefix + "folder/missing", 0, 10).has_value());
  }

  SECTION("what is not committed replaces nothing") {
    REQUIRE(blobs.write(there, "first").has_value());
    {
      const auto writer = blobs.begin(there);
      REQUIRE(writer.has_value());
      REQUIRE((*writer)->append("second").has_value());
    }
    CHECK(content_of(blobs, there) == "first");
  }

  SECTION("an empty content is a content") {
    REQUIRE(blobs.write(there, "").has_value());
    CHECK(content_of(blobs, there).empty());
    CHECK(blobs.read(there, 0).has_value());
  }

  SECTION("a later content replaces an earlier one whatever their lengths") {
    REQUIRE(blobs.write(there, "a long first content").has_value());
    REQUIRE(blobs.write(there, "short").has_value());
    CHECK(content_of(blobs, there) == "short");
  }

  SECTION("a name may hold whatever a path may") {
    for (const std::string name :
         {"with space", "plus+plus", "per%20cent", "100%", "~tilde", "é-中文", "a&b=c?d#e",
          "quote'\"<>", "semi;colon,comma", "back\\slash", "..dots..", "$@!*()[]{}|^`"}) {
      INFO(name);
      REQUIRE(blobs.write(prefix + name, name).has_value());
      CHECK(content_of(blobs, prefix + name) == name);
    }
    // Each stayed where it is.
    CHECK(content_of(blobs, prefix + "per%20cent") == "per%20cent");
    CHECK_FALSE(blobs.read(prefix + "per cent", no_limit).has_value());
  }

  SECTION("exactly as much as is allowed is read and one byte more is not") {
    REQUIRE(blobs.write(there, "12345").has_value());
    CHECK(blobs.read(there, 5).has_value());
    const Result<MemoryFile> refused = blobs.read(there, 4);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::permanent);
  }

  SECTION("what is not there is a permanent error") {
    const Result<MemoryFile> nothing = blobs.read(prefix + "nothing", no_limit);
    REQUIRE_FALSE(nothing.has_value());
    CHECK(nothing.error().kind == ErrorKind::permanent);
    CHECK(nothing.error().message.find("nothing") == std::string::npos);
  }

  SECTION("what was removed is gone and the rest is not") {
    REQUIRE(blobs.write(there, "1").has_value());
    REQUIRE(blobs.write(there + "-too", "2").has_value());
    REQUIRE(blobs.remove(there).has_value());
    CHECK_FALSE(blobs.read(there, no_limit).has_value());
    CHECK(content_of(blobs, there + "-too") == "2");
  }

  SECTION("nothing is removed without an error") {
    CHECK(blobs.remove(prefix + "nothing").has_value());
    CHECK(blobs.remove(prefix + "no/folder/either").has_value());
  }
}

}  // namespace penstock
