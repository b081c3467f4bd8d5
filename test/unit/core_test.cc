#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "engine/core/ids.h"
#include "engine/core/io_threads.h"
#include "engine/core/memory_file.h"
#include "engine/core/outcome.h"
#include "engine/core/sha256.h"
#include "engine/core/text.h"
#include "engine/core/uri.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("core: SHA-256 gives the digest of FIPS 180-4's example") {
  const Sha256 digest = sha256("abc");
  CHECK(to_hex(digest) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("core: threads are idle when what their calls have started has ended too") {
  IoThreads threads(2);
  std::atomic<int> ended{0};
  for (int i = 0; i < 100; ++i)
    threads.run(Lane::bulk, [&] {
      threads.run(Lane::interactive, [&] { ++ended; });
      ++ended;
    });
  threads.wait_until_idle();
  CHECK(ended == 200);
  threads.wait_until_idle();
}

TEST_CASE("core: HMAC of SHA-256 is that of RFC 4231's example") {
  const Sha256 digest = hmac_sha256("Jefe", "what do ya want for nothing?");
  CHECK(to_hex(digest) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("core: escapes of a URI are capital and whole") {
  CHECK(uri_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(uri_encoded("a/b c+%é", "/") == "a/b%20c%2B%25%C3%A9");
  CHECK(uri_encoded("a/b") == "a%2Fb");
  CHECK(uri_decoded("a%2Fb+c%2b%C3%A9") == "a/b+c+é");
  CHECK(query_decoded("a%2Fb+c%2b%C3%A9") == "a/b c+é");
  for (const char* broken : {"%", "%4", "%zz", "a%", "%4g"})
    CHECK_FALSE(uri_decoded(broken).has_value());
}

TEST_CASE("core: a version changes with the content and with the fingerprint") {
  const VersionId version = VersionId::of("content", "fingerprint");
  CHECK(version == VersionId::of("content", "fingerprint"));
  CHECK(version != VersionId::of("Content", "fingerprint"));
  CHECK(version != VersionId::of("content", "other"));
}

TEST_CASE("core: every outcome's name leads back to it") {
  for (const Outcome outcome : all_outcomes) CHECK(outcome_named(name_of(outcome)) == outcome);
  CHECK_FALSE(outcome_named("nonsense").has_value());
}

TEST_CASE("core: a memory file cannot be changed once it is made") {
  const Result<MemoryFile> file = MemoryFile::of("immutable");
  REQUIRE(file.has_value());
  CHECK(file->bytes() == "immutable");
  CHECK(pwrite(file->fd(), "x", 1, 0) == -1);
  CHECK(ftruncate(file->fd(), 0) == -1);
}

TEST_CASE("core: a memory file refuses what is longer than the limit") {
  const Result<MemoryFile> source = MemoryFile::of("0123456789");
  REQUIRE(source.has_value());
  REQUIRE(lseek(source->fd(), 0, SEEK_SET) == 0);
  CHECK(MemoryFile::read_all(source->fd(), 10)->bytes() == "0123456789");
  REQUIRE(lseek(source->fd(), 0, SEEK_SET) == 0);
  CHECK_FALSE(MemoryFile::read_all(source->fd(), 9).has_value());
}

TEST_CASE("core: a byte belongs to the page it is on, empty pages in between or not") {
  const Text text{"one\nthree\n", {4, 4, 10}};
  CHECK(text.page_of(0) == 1);
  CHECK(text.page_of(3) == 1);
  CHECK(text.page_of(4) == 3);
  CHECK(text.page_of(9) == 3);
}

}  // namespace
}  // namespace penstock
