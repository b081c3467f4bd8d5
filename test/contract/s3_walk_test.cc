#include "engine/backends/s3/s3_walk.h"

#include <algorithm>
#include <future>
#include <string>
#include <vector>

#include "engine/backends/s3/s3_blobs.h"
#include "engine/backends/s3/s3_error.h"
#include "engine/http/http_server.h"
#include "test/support/catch.h"
#include "test/support/s3_world.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

using Keys = std::vector<std::string>;

// In memory, objects of one letter each.
void fill(const S3Options& options, const std::string& bucket, const Keys& keys) {
  S3Blobs blobs(options);
  for (const std::string& key : keys)
    REQUIRE(blobs.write("s3://" + bucket + "/" + key, "x").has_value());
}

Keys keys_of(S3Walk& walk) {
  Keys keys;
  while (const std::optional<Claim> claim = walk.claim()) keys.push_back(claim->key);
  CHECK_FALSE(walk.claim().has_value());
  return keys;
}

Keys keys_of(const S3Options& service, S3WalkOptions options) {
  S3Walk walk(service, std::move(options));
  Keys keys = keys_of(walk);
  CHECK(walk.ended());
  return keys;
}

std::string refusal_of(const S3Options& service, const std::string& source) {
  try {
    S3Walk walk(service, {{source}, {}, {}});
  } catch (const FatalError& error) {
    return error.what();
  }
  return "none";
}

std::string page(const std::string& content, const std::string& next = "") {
  return "<ListBucketResult>" +
         (next.empty() ? std::string("<IsTruncated>false</IsTruncated>")
                       : "<IsTruncated>true</IsTruncated><NextContinuationToken>" + next +
                             "</NextContinuationToken>") +
         content + "</ListBucketResult>";
}

std::string object(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2026-11-25T10:00:00.123Z</LastModified><ETag>\"e\"</ETag>"
         "<Size>5</Size></Contents>";
}

TEST_CASE("s3 walk: every object of a bucket is claimed once and in order") {
  S3World world;
  fill(world.options(), "bucket", {"b.pdf", "a/z.pdf", "a/b c+%.pdf", "a//é.pdf", "~"});
  CHECK(keys_of(world.options(), {{"s3://bucket"}, {}, {}}) ==
        Keys{"s3://bucket/a//é.pdf", "s3://bucket/a/b c+%.pdf", "s3://bucket/a/z.pdf",
             "s3://bucket/b.pdf", "s3://bucket/~"});
}

TEST_CASE("s3 walk: 2500 objects come in small pages with the next on its way") {
  S3World world;
  Keys keys;
  for (int i = 0; i < 2'500; ++i) keys.push_back("folder/" + std::to_string(10'000 + i) + " +.pdf");
  fill(world.options(), "bucket", keys);
  S3WalkOptions options{{"s3://bucket/folder/"}, {}, {}};
  options.page_objects = GENERATE(7, 1'000);
  const Keys claimed = keys_of(world.options(), options);
  REQUIRE(claimed.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (claimed[i] != "s3://bucket/" + keys[i]) FAIL(claimed[i] + " is not " + keys[i]);
  const std::size_t pages = (keys.size() + options.page_objects - 1) / options.page_objects;
  CHECK(world.count(S3Operation::list_objects) == pages + 1);
}

TEST_CASE("s3 walk: globs are held against the key below the source") {
  S3World world;
  fill(
      world.options(), "bucket",
      {"docs/2024/a.pdf", "docs/2024/b.txt", "docs/drafts/old/c.pdf", "docs/d.pdf", "other/e.pdf"});
  const auto claimed = [&](const std::string& source, Keys include, Keys exclude) {
    return keys_of(world.options(), {{source}, std::move(include), std::move(exclude)});
  };
  CHECK(claimed("s3://bucket/docs/", {"*.pdf"}, {"drafts"}) ==
        Keys{"s3://bucket/docs/2024/a.pdf", "s3://bucket/docs/d.pdf"});
  CHECK(claimed("s3://bucket/docs/20", {"2024/*"}, {"*.txt"}) ==
        Keys{"s3://bucket/docs/2024/a.pdf"});
  CHECK(claimed("s3://bucket", {"docs/*.pdf"}, {}) == Keys{"s3://bucket/docs/d.pdf"});
}

TEST_CASE("s3 walk: what lies in two sources is claimed once") {
  S3World world;
  fill(world.options(), "bucket", {"a/1", "a/b/2", "c/3"});
  fill(world.options(), "other", {"a/1"});
  CHECK(keys_of(
            world.options(),
            {{"s3://bucket/a/b/", "s3://other", "s3://bucket/a/", "s3://bucket/a/b/2"}, {}, {}}) ==
        Keys{"s3://other/a/1", "s3://bucket/a/1", "s3://bucket/a/b/2"});
}

TEST_CASE("s3 walk: markers of folders are no documents") {
  S3World world;
  S3Client client(world.options());
  REQUIRE(checked(client.ask({"PUT", {"bucket", "docs/"}, {}, {}, "", {}})).has_value());
  fill(world.options(), "bucket", {"docs/a"});
  CHECK(keys_of(world.options(), {{"s3://bucket/docs/"}, {}, {}}) == Keys{"s3://bucket/docs/a"});
  S3Blobs blobs(world.options());
  CHECK(blobs.read("s3://bucket/docs/", 10).error().message == "is a folder, not an object");
}

TEST_CASE("s3 walk: a stamp is the same from a listing and from the object") {
  S3World world;
  fill(world.options(), "bucket", {"key"});
  const auto stamp_listed = [&] {
    S3Walk walk(world.options(), {{"s3://bucket"}, {}, {}});
    return walk.claim().value().stamp;
  };
  const SourceStamp listed = stamp_listed();
  CHECK(listed.bytes == 1);
  CHECK(listed.modified_ns > 0);
  CHECK(listed.changed_ns > 0);
  S3Client client(world.options());
  const auto asked = stamp_of_object(client, {"bucket", "key"});
  REQUIRE(asked.has_value());
  REQUIRE(asked->has_value());
  CHECK(**asked == listed);
  CHECK(listed.proves_unchanged_since(**asked));
  CHECK_FALSE(stamp_of_object(client, {"bucket", "nothing"}).value().has_value());

  S3Blobs blobs(world.options());
  REQUIRE(blobs.write("s3://bucket/key", "y").has_value());
  CHECK_FALSE(stamp_listed().proves_unchanged_since(listed));
}

TEST_CASE("s3 walk: a source that cannot be listed is refused at the start") {
  S3World world;
  fill(world.options(), "bucket", {"key"});
  const S3Options options = world.options();
  CHECK(refusal_of(options, "s3://bucket") == "none");
  CHECK(refusal_of(options, "s3://bucket/key") == "none");
  CHECK(refusal_of(options, "bucket") == "bucket: not a source such as s3://BUCKET/PREFIX");
  CHECK(refusal_of(options, "s3://nowhere") ==
        "s3://nowhere: no such bucket: check its name, and the endpoint");
  CHECK(refusal_of(options, "s3://bucket/typo/") == "s3://bucket/typo/: no such object or folder");
  S3Options wrong = options;
  wrong.secret_key = "hunter2";
  CHECK(refusal_of(wrong, "s3://bucket") ==
        "s3://bucket: access denied: the secret does not belong to the access key; check "
        "AWS_SECRET_ACCESS_KEY");
}

TEST_CASE("s3 walk: failures on the way are repeated") {
  S3EmulatorOptions emulated;
  emulated.fault_fraction = 0.4;
  emulated.seed = GENERATE(1, 2);
  emulated.fault_kinds = {FaultKind::unavailable, FaultKind::reset, FaultKind::truncated,
                          FaultKind::malformed};
  S3World world(std::move(emulated));
  S3Options patient = world.options();
  patient.patience = std::chrono::seconds(10);
  Keys keys;
  for (int i = 0; i < 100; ++i) keys.push_back(std::to_string(100 + i));
  fill(patient, "bucket", keys);
  S3WalkOptions options{{"s3://bucket"}, {}, {}};
  options.page_objects = 9;
  CHECK(keys_of(patient, options).size() == 100);
}

// Answers the question at the start, a first page of two, and then as a test has it.
class Broken {
 public:
  explicit Broken(std::string body, int status = 200)
      : server_({}, [=](const ServedRequest& request, const Responder& responder) {
          if (request.target.find("continuation-token") == std::string::npos) {
            responder.respond(200, {}, page(object("a") + object("b"), "next"));
          } else {
            responder.respond(status, {}, body);
          }
        }) {}
  S3Options options() const { return hasty_s3("http://" + server_.address()); }

 private:
  HttpServer server_;
};

TEST_CASE("s3 walk: a listing that fails on the way is one claim that fails when it is read") {
  const auto [status, body] = GENERATE(table<int, std::string>({
      {500, "<Error><Code>InternalError</Code></Error>"},
      {403, "<Error><Code>AccessDenied</Code></Error>"},
      {200, "no XML"},
      {200, ""},
      {200, page(object("c")).substr(0, 60)},
      {200, page(object("c"), "next")},
      {200, "<Other><IsTruncated>false</IsTruncated></Other>"},
  }));
  INFO(body);
  Broken service(body, status);
  S3Walk walk(service.options(), {{"s3://bucket"}, {}, {}});
  CHECK(keys_of(walk) == Keys{"s3://bucket/a", "s3://bucket/b", "s3://bucket/"});
  CHECK_FALSE(walk.ended());
  S3Blobs blobs(service.options());
  CHECK_FALSE(blobs.read("s3://bucket/", 100).has_value());
}

TEST_CASE("s3 walk: closing wakes who waits for a page") {
  std::promise<void> asked;
  std::vector<Responder> kept;
  HttpServer server({}, [&](const ServedRequest& request, const Responder& responder) {
    if (request.target.find("max-keys=1&") != std::string::npos)
      return responder.respond(200, {}, page(object("a")));
    kept.push_back(responder);
    asked.set_value();
  });
  S3Walk walk(hasty_s3("http://" + server.address()), {{"s3://bucket"}, {}, {}});
  auto claim = std::async(std::launch::async, [&] { return walk.claim(); });
  asked.get_future().wait();
  walk.close();
  CHECK_FALSE(claim.get().has_value());
  CHECK_FALSE(walk.claim().has_value());
  CHECK_FALSE(walk.ended());
}

TEST_CASE("s3 walk: a folder's files are served as objects") {
  const TempDir folder;
  folder.write("bucket/a b.txt", "content");
  folder.write("bucket/deep/er/c.txt", "more");
  folder.write("beside.txt", "of no bucket");
  S3EmulatorOptions emulated;
  emulated.service.folder = folder.path();
  S3World world(std::move(emulated));
  CHECK(keys_of(world.options(), {{"s3://bucket"}, {}, {}}) ==
        Keys{"s3://bucket/a b.txt", "s3://bucket/deep/er/c.txt"});
  S3Blobs blobs(world.options());
  CHECK(blobs.read("s3://bucket/a b.txt", 100).value().bytes() == "content");
  REQUIRE(blobs.write("s3://bucket/new/d.txt", "new").has_value());
  CHECK(std::filesystem::exists(folder.path("bucket/new/d.txt")));
  REQUIRE(blobs.remove("s3://bucket/a b.txt").has_value());
  CHECK_FALSE(std::filesystem::exists(folder.path("bucket/a b.txt")));
  CHECK_FALSE(blobs.write("s3://bucket/../escape", "x").has_value());
  CHECK_FALSE(std::filesystem::exists(folder.path("escape")));
}

}  // namespace
}  // namespace penstock
