#include <atomic>
#include <functional>
#include <future>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "engine/backends/s3/s3_blobs.h"
#include "engine/backends/s3/s3_error.h"
#include "engine/backends/s3/s3_listing.h"
#include "engine/http/http_server.h"
#include "engine/http/xml.h"
#include "test/contract/blob_store_contract.h"
#include "test/support/catch.h"
#include "test/support/s3_world.h"

namespace penstock {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

std::string bytes_of(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

std::string content_of(S3Blobs& blobs, const std::string& location) {
  const Result<MemoryFile> content = blobs.read(location, no_limit);
  if (!content) FAIL(location + ": " + content.error().message);
  return std::string(content->bytes());
}

Error failure_to_read(const S3Options& options, const std::string& location = "s3://b/k",
                      std::uint64_t bytes_max = no_limit) {
  S3Blobs blobs(options);
  const Result<MemoryFile> content = blobs.read(location, bytes_max);
  REQUIRE_FALSE(content.has_value());
  return content.error();
}

// A service that answers as a test has it, and remembers what it was asked.
class Script {
 public:
  using Step = std::function<void(const ServedRequest&, const Responder&)>;

  // The last step goes on for ever.
  explicit Script(std::vector<Step> steps)
      : steps_(std::move(steps)),
        server_({}, [this](const ServedRequest& request, const Responder& responder) {
          std::size_t step = 0;
          {
            const std::lock_guard lock(mutex_);
            step = std::min(requests_.size(), steps_.size() - 1);
            requests_.push_back(request);
          }
          steps_[step](request, responder);
        }) {}

  S3Options options() const { return hasty_s3("http://" + server_.address()); }
  std::vector<ServedRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const std::vector<Step> steps_;
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;  // guarded by mutex_
  HttpServer server_;                    // last: its thread uses the rest
};

Script::Step answer(int status, HttpHeaders headers, std::string body) {
  return [=](const ServedRequest&, const Responder& responder) {
    responder.respond(status, headers, body);
  };
}

// So much of what was promised.
Script::Step part_of(int status, HttpHeaders headers, std::string body, std::size_t promised) {
  return [=](const ServedRequest&, const Responder& responder) {
    responder.begin(status, headers, promised);
    responder.write(body);
    responder.finish();
  };
}

Script::Step error(int status, const std::string& code, const std::string& message = "What?") {
  return answer(status, {},
                "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>");
}

TEST_CASE("s3: keeps the contract of a blob store") {
  S3EmulatorOptions options;
  options.service.buckets = {"bucket", "bucket.with-dots"};
  S3World world(std::move(options));
  S3Blobs blobs(world.options());
  run_blob_store_contract(blobs, GENERATE("s3://bucket/", "s3://bucket.with-dots/a b/+/"));
}

TEST_CASE("s3: keeps the contract of a blob store while it fails now and then") {
  S3EmulatorOptions options;
  options.fault_fraction = 0.3;
  options.fault_kinds = {FaultKind::server_error, FaultKind::unavailable, FaultKind::reset,
                         FaultKind::truncated};
  options.seed = GENERATE(1, 2, 3);
  options.service.buckets = {"bucket"};
  S3World world(std::move(options));
  S3Options patient = world.options();
  patient.patience = std::chrono::seconds(10);
  S3Blobs blobs(patient);
  run_blob_store_contract(blobs, "s3://bucket/");
}

TEST_CASE("s3: keys that no path would have are signed as they are") {
  S3World world;
  S3Blobs blobs(world.options());
  for (const std::string key : {"a//b", "/a", "a/../b", "./a", "..", "a/./b", "\x01\x7f", "a\nb"}) {
    INFO(key);
    REQUIRE(blobs.write("s3://bucket/" + key, key).has_value());
    CHECK(content_of(blobs, "s3://bucket/" + key) == key);
  }
  CHECK_FALSE(blobs.read("s3://bucket/b", no_limit).has_value());
}

TEST_CASE("s3: an endpoint may have a path in front of its buckets") {
  Script service({answer(200, {}, "content")});
  S3Options options = service.options();
  options.endpoint += "/storage/v1/s3/";
  S3Blobs blobs(options);
  CHECK(content_of(blobs, "s3://bucket/a key") == "content");
  CHECK(service.requests()[0].target == "/storage/v1/s3/bucket/a%20key");
}

TEST_CASE("s3: a temporary key's token is sent and signed") {
  S3EmulatorOptions emulated;
  emulated.service.credentials.session_token = "the/token+=";
  S3World world(std::move(emulated));
  S3Options options = world.options();
  options.session_token = "the/token+=";
  S3Blobs blobs(options);
  CHECK(blobs.write("s3://bucket/key", "content").has_value());
  options.session_token = "another";
  CHECK(failure_to_read(options).message ==
        "access denied: the session token is not valid; check AWS_SESSION_TOKEN");
}

TEST_CASE("s3: without an access key nothing is signed") {
  Script service({answer(200, {}, "content")});
  S3Options options = service.options();
  options.access_key.clear();
  options.secret_key.clear();
  S3Blobs blobs(options);
  CHECK(content_of(blobs, "s3://public/key") == "content");
  CHECK_FALSE(service.requests()[0].headers.find("Authorization").has_value());
}

TEST_CASE("s3: what is refused says what to do and no secret") {
  S3World world;
  S3Options options = world.options();
  std::string words;
  ErrorKind kind = ErrorKind::misconfigured;
  SECTION("a wrong secret") {
    options.secret_key = "hunter2";
    words =
        "access denied: the secret does not belong to the access key; "
        "check AWS_SECRET_ACCESS_KEY";
  }
  SECTION("an unknown key") {
    options.access_key = "AKIDUNKNOWN";
    words = "access denied: the service does not know the access key; check AWS_ACCESS_KEY_ID";
  }
  SECTION("another region") {
    options.region = "eu-central-1";
    words = "the region is wrong; check AWS_REGION";
  }
  SECTION("no bucket") {
    words = "no such bucket: check its name, and the endpoint";
    kind = ErrorKind::permanent;
  }
  const Error error = failure_to_read(options);
  CHECK(error.kind == kind);
  CHECK(error.message == words);
}

TEST_CASE("s3: a wrong clock is named") {
  S3EmulatorOptions emulated;
  emulated.service.now = [] { return std::chrono::system_clock::now() + std::chrono::hours(1); };
  S3World world(std::move(emulated));
  CHECK(failure_to_read(world.options()).message ==
        "access denied: this machine's clock is more than 15 minutes wrong; set it");
}

TEST_CASE("s3: options that make no request possible are refused at the start") {
  const auto refusal = [](const std::function<void(S3Options&)>& spoil) -> std::string {
    S3Options options = hasty_s3("http://127.0.0.1:1");
    spoil(options);
    try {
      const S3Blobs blobs(options);
    } catch (const FatalError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal([](S3Options&) {}).empty());
  CHECK_THAT(refusal([](S3Options& o) { o.endpoint = "ftp://host"; }), ContainsSubstring("URL"));
  CHECK_THAT(refusal([](S3Options& o) { o.endpoint = "http://u:hunter2@host"; }),
             ContainsSubstring("URL") && !ContainsSubstring("hunter2"));
  CHECK_THAT(refusal([](S3Options& o) { o.region = "eu:1"; }), ContainsSubstring("AWS_REGION"));
  CHECK_THAT(refusal([](S3Options& o) { o.secret_key.clear(); }),
             ContainsSubstring("AWS_SECRET_ACCESS_KEY"));
  CHECK_THAT(refusal([](S3Options& o) { o.secret_key = "hunter2\n"; }),
             ContainsSubstring("AWS_SECRET_ACCESS_KEY") && !ContainsSubstring("hunter2"));
}

TEST_CASE("s3: locations without a bucket or a key are refused") {
  S3Blobs blobs(hasty_s3("http://127.0.0.1:1"));
  for (const std::string location : {"s3://", "s3:///key", "/a/file", "s3://buc ket/key"}) {
    INFO(location);
    CHECK(blobs.read(location, 1).error().message == "not a location such as s3://BUCKET/KEY");
    CHECK_FALSE(blobs.write(location, "").has_value());
    CHECK_FALSE(blobs.remove(location).has_value());
  }
}

TEST_CASE("s3: what may pass is repeated and then a retryable error") {
  const auto [status, code] = GENERATE(table<int, std::string>({{500, "InternalError"},
                                                                {503, "SlowDown"},
                                                                {429, "TooManyRequests"},
                                                                {400, "RequestTimeout"}}));
  SECTION("repeated") {
    Script service({error(status, code), error(status, code), answer(200, {}, "content")});
    S3Blobs blobs(service.options());
    CHECK(content_of(blobs, "s3://b/k") == "content");
  }
  SECTION("retryable") {
    Script service({error(status, code)});
    const Error failure = failure_to_read(service.options());
    CHECK(failure.kind == ErrorKind::retryable);
    CHECK(failure.message == "HTTP " + std::to_string(status) + " " + code + ": What?");
    CHECK(service.requests().size() > 2);
  }
}

TEST_CASE("s3: a service's words come in one line") {
  Script service({error(400, "Odd", "two\nlines " + std::string(300, 'x'))});
  const Error failure = failure_to_read(service.options());
  CHECK(failure.kind == ErrorKind::permanent);
  CHECK(failure.message == "HTTP 400 Odd: two lines " + std::string(190, 'x'));
}

TEST_CASE("s3: a download that breaks off goes on where it stopped") {
  const std::string content = bytes_of(1'000'000);
  S3EmulatorOptions options;
  options.fault_fraction = 0.7;
  options.fault_kinds = {FaultKind::truncated};
  S3World world(std::move(options));
  S3Options patient = world.options();
  patient.patience = std::chrono::seconds(10);
  S3Blobs blobs(patient);
  REQUIRE(blobs.write("s3://bucket/key", content).has_value());
  constexpr std::uint64_t reads = 8;
  for (std::uint64_t i = 0; i < reads; ++i) CHECK(content_of(blobs, "s3://bucket/key") == content);
  // Each answer that breaks off brings half of what is missing, so that all that one read is
  // answered is less than twice the content; from the beginning, it would be the content each time.
  CHECK(world.count(S3Operation::get_object) > 2 * reads);
  CHECK(world.stats()["bytes_sent"].get<std::uint64_t>() < 2 * reads * content.size());
}

TEST_CASE("s3: a download goes on with the same content only") {
  const HttpHeaders first{{"ETag", "\"one\""}};
  SECTION("by its ETag") {
    Script service(
        {part_of(200, first, "abc", 6),
         part_of(206, {{"ETag", "\"one\""}, {"Content-Range", "bytes 3-5/6"}}, "def", 3)});
    S3Blobs blobs(service.options());
    CHECK(content_of(blobs, "s3://b/k") == "abcdef");
    REQUIRE(service.requests().size() == 2);
    CHECK(service.requests()[1].headers.find("Range") == "bytes=3-");
    CHECK(service.requests()[1].headers.find("If-Match") == "\"one\"");
  }
  SECTION("and begins anew if it was changed") {
    Script service({part_of(200, first, "abc", 6), error(412, "PreconditionFailed"),
                    answer(200, {{"ETag", "\"two\""}}, "ABCDEFG")});
    S3Blobs blobs(service.options());
    CHECK(content_of(blobs, "s3://b/k") == "ABCDEFG");
    CHECK_FALSE(service.requests()[2].headers.find("Range").has_value());
  }
  SECTION("and begins anew if the service knows no ranges") {
    Script service({part_of(200, first, "abc", 6), answer(200, first, "abcdef")});
    S3Blobs blobs(service.options());
    CHECK(content_of(blobs, "s3://b/k") == "abcdef");
  }
  SECTION("and begins anew if it gets another part") {
    Script service({part_of(200, first, "abc", 6),
                    answer(206, {{"Content-Range", "bytes 2-5/6"}}, "cdef"),
                    answer(200, first, "abcdef")});
    S3Blobs blobs(service.options());
    CHECK(content_of(blobs, "s3://b/k") == "abcdef");
  }
  SECTION("and begins anew if there is no ETag to tell by") {
    Script service({part_of(200, {}, "abc", 6), answer(200, {}, "abcdef")});
    S3Blobs blobs(service.options());
    CHECK(content_of(blobs, "s3://b/k") == "abcdef");
    CHECK_FALSE(service.requests()[1].headers.find("Range").has_value());
  }
}

TEST_CASE("s3: a download that gets nowhere ends") {
  Script service({part_of(200, {{"ETag", "\"one\""}}, "abc", 6),
                  part_of(206, {{"Content-Range", "bytes 3-5/6"}}, "", 3)});
  const Error failure = failure_to_read(service.options());
  CHECK(failure.kind == ErrorKind::retryable);
  CHECK_THAT(failure.message, ContainsSubstring("stopped after 0 bytes"));
}

TEST_CASE("s3: a large object is refused before it comes and while it comes") {
  SECTION("by its length") {
    Script service({part_of(200, {}, "ab", 1'000'000'000)});
    const Error failure = failure_to_read(service.options(), "s3://b/k", 100);
    CHECK(failure.kind == ErrorKind::permanent);
    CHECK(failure.message == "1000000000 bytes or more; the limit is 100");
  }
  SECTION("without a length") {
    Script service({[](const ServedRequest&, const Responder& responder) {
      responder.begin(200, {}, std::nullopt);
      for (int i = 0; i < 100; ++i) responder.write(std::string(100, 'x'));
      responder.finish();
    }});
    const Error failure = failure_to_read(service.options(), "s3://b/k", 5'000);
    CHECK(failure.kind == ErrorKind::permanent);
    CHECK_THAT(failure.message, ContainsSubstring("the limit is 5000"));
    CHECK(service.requests().size() == 1);
  }
}

TEST_CASE("s3: a content is held against its checksum") {
  const auto outcome = [](const HttpHeaders& headers) -> std::string {
    Script service({answer(200, headers, "content")});
    S3Blobs blobs(service.options());
    const Result<MemoryFile> content = blobs.read("s3://b/k", no_limit);
    if (content) return "taken";
    CHECK(content.error().kind == ErrorKind::retryable);
    return content.error().message;
  };
  const std::string mismatch = "what came does not match the object's checksum";
  const std::string sha256 = "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=";
  CHECK(outcome({{"x-amz-checksum-sha256", sha256}}) == "taken");
  CHECK(outcome({{"x-amz-checksum-sha256", "8" + sha256.substr(1)}}) == mismatch);
  // That of a checksum of parts' checksums is none of the content.
  CHECK(outcome({{"x-amz-checksum-sha256", "8" + sha256.substr(1) + "-2"}}) == "taken");
  CHECK(outcome({{"x-amz-checksum-crc32", "/sUwqQ=="}}) == "taken");
  CHECK(outcome({{"x-amz-checksum-crc32", "/sUwqA=="}}) == mismatch);
}

TEST_CASE("s3: what was spoilt on its way is read again") {
  const HttpHeaders headers{
      {"x-amz-checksum-sha256", "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M="}};
  Script service({answer(200, headers, "cOntent"), answer(200, headers, "content")});
  S3Blobs blobs(service.options());
  CHECK(content_of(blobs, "s3://b/k") == "content");
  CHECK(service.requests().size() == 2);
}

TEST_CASE("s3: an ETag is a checksum where one was seen to be") {
  const HttpHeaders right{{"ETag", "\"9a0364b9e99bb480dd25e1f0284c8555\""}};
  const HttpHeaders wrong{{"ETag", "\"9a0364b9e99bb480dd25e1f0284c8556\""}};
  HttpHeaders encrypted = wrong;
  encrypted.add("x-amz-server-side-encryption", "aws:kms");
  Script service({answer(200, wrong, "content"), answer(200, right, "content"),
                  answer(200, encrypted, "content"),
                  answer(200, {{"ETag", "\"9a0364b9e99bb480dd25e1f0284c8556-2\""}}, "content"),
                  answer(200, wrong, "content")});
  S3Blobs blobs(service.options());
  for (int i = 0; i < 4; ++i) CHECK(content_of(blobs, "s3://b/k") == "content");
  CHECK(blobs.read("s3://b/k", no_limit).error().message ==
        "what came does not match the object's checksum");
}

TEST_CASE("s3: what is spoilt on its way is not taken for the object") {
  S3EmulatorOptions options;
  options.fault_fraction = 1;
  options.fault_kinds = {FaultKind::malformed};
  S3World world(std::move(options));
  S3Client client(world.options());
  S3Request request{"PUT", {"bucket", "key"}, {}, {}, "content", {}};
  request.headers.add("x-amz-checksum-sha256", "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=");
  REQUIRE(checked(client.ask(request)).has_value());
  const Error failure = failure_to_read(world.options(), "s3://bucket/key");
  CHECK(failure.kind == ErrorKind::retryable);
  CHECK(failure.message == "what came does not match the object's checksum");
}

constexpr std::size_t part = 5 << 20;

TEST_CASE("s3: a large content goes in parts and comes back whole") {
  S3World world;
  S3Blobs blobs(world.options());
  const std::string content = bytes_of(3 * part + 12'345);
  REQUIRE(blobs.write("s3://bucket/large key+", content).has_value());
  CHECK(world.count(S3Operation::put_part) == 4);
  CHECK(world.count(S3Operation::put_object) == 0);
  CHECK(content_of(blobs, "s3://bucket/large key+") == content);
}

std::string begin_upload(S3Client& client) {
  const auto begun = client.ask({"POST", {"bucket", "a key"}, {{"uploads", ""}}, {}, "", {}});
  return std::string(parse_xml(begun.value().body).value().text_of("UploadId"));
}

void send_part(S3Client& client, const std::string& id, int number, std::string content) {
  REQUIRE(checked(client.ask({"PUT",
                              {"bucket", "a key"},
                              {{"uploadId", id}, {"partNumber", std::to_string(number)}},
                              {},
                              std::move(content),
                              {}}))
              .has_value());
}

TEST_CASE("s3: an interrupted upload of the same content is continued") {
  S3World world;
  S3Client client(world.options());
  const std::string content = bytes_of(3 * part + 1);
  const std::string id = begin_upload(client);
  send_part(client, id, 3, content.substr(2 * part, part));
  send_part(client, id, 1, content.substr(0, part));
  REQUIRE(world.count(S3Operation::put_part) == 2);

  S3Blobs blobs(world.options());
  REQUIRE(blobs.write("s3://bucket/a key", content).has_value());
  CHECK(world.count(S3Operation::put_part) == 4);
  CHECK(world.count(S3Operation::create_upload) == 1);
  CHECK(content_of(blobs, "s3://bucket/a key") == content);
}

TEST_CASE("s3: an upload of another content is left alone") {
  S3World world;
  S3Client client(world.options());
  const std::string content = bytes_of(2 * part + 1);
  const std::string id = begin_upload(client);
  send_part(client, id, 1, content.substr(0, part));
  send_part(client, id, 2, std::string(part, 'x'));

  S3Blobs blobs(world.options());
  REQUIRE(blobs.write("s3://bucket/a key", content).has_value());
  CHECK(world.count(S3Operation::put_part) == 5);
  CHECK(content_of(blobs, "s3://bucket/a key") == content);
  const auto there = client.ask({"GET", {"bucket", "a key"}, {{"uploadId", id}}, {}, "", {}});
  CHECK(there.value().status == 200);
}

TEST_CASE("s3: an upload that was interrupted by failures is continued by the next attempt") {
  S3EmulatorOptions options;
  options.fault_fraction = 0.4;
  options.fault_kinds = {FaultKind::server_error};
  S3World world(std::move(options));
  S3Options hasty = world.options();
  hasty.patience = {};
  S3Blobs blobs(hasty);
  const std::string content = bytes_of(4 * part);
  int attempts = 1;
  while (!blobs.write("s3://bucket/key", content)) ++attempts;
  CHECK(attempts > 1);
  CHECK(world.count(S3Operation::put_part) == 4);
}

TEST_CASE("s3: a failed upload that can never succeed leaves no parts") {
  const auto upload = [](const std::string& name, const std::string& content) {
    return answer(200, {}, "<" + name + ">" + content + "</" + name + ">");
  };
  Script service({error(403, "AccessDenied"),  // to look for uploads
                  upload("InitiateMultipartUploadResult", "<UploadId>an id</UploadId>"),
                  error(400, "EntityTooLarge")});
  S3Options options = service.options();
  options.parts_in_flight = 1;
  S3Blobs blobs(options);
  const Result<void> written = blobs.write("s3://b/k", bytes_of(part + 1));
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().kind == ErrorKind::permanent);
  const std::vector<ServedRequest> requests = service.requests();
  CHECK(requests.back().method == "DELETE");
  CHECK(requests.back().target == "/b/k?uploadId=an%20id");
}

TEST_CASE("s3: an upload whose last answer is an error in a success is not taken for done") {
  const auto said = [](const std::string& body) { return answer(200, {{"ETag", "x"}}, body); };
  Script service({error(501, "NotImplemented"), said("<R><UploadId>id</UploadId></R>"), said(""),
                  said(""), said("<Error><Code>InternalError</Code></Error>")});
  S3Options options = service.options();
  options.parts_in_flight = 1;
  S3Blobs blobs(options);
  const Result<void> written = blobs.write("s3://b/k", bytes_of(part + 1));
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().kind == ErrorKind::retryable);
}

TEST_CASE("s3: an upload whose last answer was lost is done if the object is there") {
  const auto lost = [](const ServedRequest&, const Responder& responder) { responder.abort(); };
  const std::string etag = "\"" + std::string("0f5aa3e1d5b2c5e7") + "\"";
  S3World world;
  S3Blobs direct(world.options());
  const std::string content = bytes_of(part + 1);
  REQUIRE(direct.write("s3://bucket/key", content).has_value());
  S3Client client(world.options());
  const auto head = client.ask({"HEAD", {"bucket", "key"}, {}, {}, "", {}});
  const std::string there(head.value().headers.find("ETag").value());

  const auto said = [](const std::string& body) { return answer(200, {{"ETag", "x"}}, body); };
  const bool is_there = GENERATE(true, false);
  Script service({error(501, "NotImplemented"), said("<R><UploadId>id</UploadId></R>"), said(""),
                  said(""), lost, error(404, "NoSuchUpload"),
                  answer(200, {{"ETag", is_there ? there : etag}}, "")});
  S3Options options = service.options();
  options.parts_in_flight = 1;
  S3Blobs blobs(options);
  CHECK(blobs.write("s3://b/k", content).has_value() == is_there);
}

TEST_CASE("s3: removing passes over what is not there but not over a missing bucket") {
  Script service({error(404, "NoSuchKey"), error(404, "NoSuchBucket"), answer(204, {}, "")});
  S3Blobs blobs(service.options());
  CHECK(blobs.remove("s3://b/k").has_value());
  CHECK_FALSE(blobs.remove("s3://b/k").has_value());
  CHECK(blobs.remove("s3://b/k").has_value());
}

TEST_CASE("s3: 64 MB go and come") {
  S3World world;
  S3Options options = world.options();
  options.part_bytes = 64 << 20;
  S3Blobs blobs(options);
  const std::string content = bytes_of(64 << 20);
  REQUIRE(blobs.write("s3://bucket/large", content).has_value());
  CHECK(world.count(S3Operation::put_object) == 1);
  CHECK(blobs.read("s3://bucket/large", no_limit).value().bytes() == content);
}

TEST_CASE("s3: a client that is stopped ends what it waits for and takes nothing more") {
  std::promise<void> asked;
  std::vector<Responder> kept;
  Script service({[&](const ServedRequest&, const Responder& responder) {
    kept.push_back(responder);
    asked.set_value();
  }});
  S3Client client(service.options());
  std::future<Result<HttpResponse>> answer = client.start({"GET", {"b", "k"}, {}, {}, "", {}});
  asked.get_future().wait();
  client.stop();
  CHECK(answer.get().error().kind == ErrorKind::cancelled);
  CHECK(client.ask({"GET", {"b", "k"}, {}, {}, "", {}}).error().kind == ErrorKind::cancelled);
  S3Patience patience(client.options());
  CHECK_FALSE(client.pause(patience));
}

}  // namespace
}  // namespace penstock
