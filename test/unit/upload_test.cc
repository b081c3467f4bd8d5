// Uploads over HTTP to a service whose parts are in memory, and break where a test wants them to.
#include <future>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "engine/http/http_client.h"
#include "engine/http/json.h"
#include "engine/service/service.h"
#include "test/support/catch.h"
#include "test/support/heard_events.h"
#include "test/support/service_world.h"

namespace penstock {
namespace {

using Catch::Matchers::StartsWith;

constexpr std::uint64_t document_bytes_max = 100'000;
const HttpHeaders form_type = {{"Content-Type", "multipart/form-data; boundary=xyz"}};

struct Field {
  std::string name;
  std::string value;
  std::string file_name = {};  // of the part "file"
};

std::string form(std::initializer_list<Field> fields) {
  std::string body;
  for (const Field& field : fields) {
    body += "--xyz\r\nContent-Disposition: form-data; name=\"" + field.name + '"';
    if (!field.file_name.empty()) body += "; filename=\"" + field.file_name + '"';
    body += "\r\n\r\n" + field.value + "\r\n";
  }
  return body + "--xyz--\r\n";
}

// Not to be known from the last upload's content.
std::string text(std::size_t bytes = 100) {
  static int next = 0;
  std::string content = "text " + std::to_string(next++) + ' ';
  content.resize(bytes, 'x');
  return content;
}

Json json_in(const HttpResponse& answer) {
  return Json::parse(answer.body);
}

// "STATUS NAME: DETAIL" of a problem.
std::string said(const HttpResponse& answer) {
  const Json problem = json_in(answer);
  const std::string type = problem.value("type", "no problem");
  return std::to_string(answer.status) + ' ' + type.substr(type.rfind(':') + 1) + ": " +
         problem.value("detail", "");
}

class Front : public ServiceWorld {
 public:
  explicit Front(AdmissionLimits limits = {}, const BrokerOptions& queue = {})
      : ServiceWorld(limits, queue),
        service_(parts, {.document_bytes_max = document_bytes_max}, nullptr) {}

  HttpResponse ask(const std::string& method, const std::string& target, std::string body = {},
                   HttpHeaders headers = {}) {
    std::promise<Result<HttpResponse>> answer;
    client_.send({.method = method,
                  .url = "http://" + service_.address() + target,
                  .headers = std::move(headers),
                  .body = std::move(body)},
                 [&](auto result) { answer.set_value(std::move(result)); });
    const Result<HttpResponse> result = answer.get_future().get();
    INFO((result ? "" : result.error().message));
    REQUIRE(result.has_value());
    return *result;
  }
  HttpResponse upload(std::string body, const HttpHeaders& headers = {},
                      const std::string& query = {}) {
    return ask("POST", "/v1/documents" + query, std::move(body), headers);
  }

  std::vector<CatalogEntry> entries() { return catalog.list("default", {}, 100).value(); }
  std::size_t blobs_count() {
    const std::lock_guard lock(store.mutex);
    return store.blobs.size();
  }
  // Of locations that no entry has: those that are condemned, or not.
  std::size_t reserved(bool is_condemned) {
    const std::lock_guard lock(store.mutex);
    return static_cast<std::size_t>(std::ranges::count_if(
        store.reserved,
        [&](const auto& reservation) { return reservation.second.is_condemned == is_condemned; }));
  }

 private:
  Service service_;
  HttpClient client_{{}};
};

TEST_CASE("upload: a document is stored and said to be as it is") {
  Front front;
  const std::string content = text();
  const HttpResponse answer =
      front.upload(content, {{"Content-Type", "text/html"}},
                   "?name=a%20b.txt&lane=bulk&region=eu-1&metadata=%7B%22a%22%3A%20%5B1%5D%7D");
  CHECK(answer.status == 202);
  const Json document = json_in(answer);
  CHECK(answer.headers.find("Location") == "/v1/documents/" + document.at("id").get<std::string>());
  CHECK(document.at("name") == "a b.txt");
  CHECK(document.at("media_type") == "text/plain; charset=utf-8");
  CHECK(document.at("lane") == "bulk");
  CHECK(document.at("region") == "eu-1");
  CHECK(document.at("metadata") == Json{{"a", {1}}});
  CHECK(document.at("state") == "queued");
  CHECK(document.at("sha256") == to_hex(sha256(content)));
  const auto entries = front.entries();
  REQUIRE(entries.size() == 1);
  CHECK(front.blobs.read(entries[0].location, 1'000).value().bytes() == content);
  CHECK(entries[0].bytes == content.size());
  CHECK(front.reserved(true) + front.reserved(false) == 0);
  CHECK(front.broker.state().value().bulk.waiting == 1);
}

TEST_CASE("upload: what a head says is refused before the body is stored") {
  struct Case {
    const char* what;
    std::string method, target;
    HttpHeaders headers;
    const char* said;
  };
  constexpr const char* bad_id =
      "400 bad-request: a document's id has 1 to 512 bytes of UTF-8, without control characters";
  constexpr const char* bad_key =
      "400 bad-request: an Idempotency-Key has at most 255 printable characters";
  constexpr const char* bad_metadata =
      "400 bad-request: metadata is a JSON object, at most 32 deep, in which no text has a NUL";
  const std::string documents = "/v1/documents";
  const Case cases[] = {
      {"an id with a control character", "PUT", documents + "/a%0Ab", {}, bad_id},
      {"an id that is no UTF-8", "PUT", documents + "/%FF", {}, bad_id},
      {"an id that is too long", "PUT", documents + '/' + std::string(513, 'x'), {}, bad_id},
      {"a key that is too long",
       "POST",
       documents,
       {{"Idempotency-Key", std::string(256, 'x')}},
       bad_key},
      {"a key that is no UTF-8", "POST", documents, {{"Idempotency-Key", "\xFF"}}, bad_key},
      {"a name that is too long",
       "POST",
       documents + "?name=" + std::string(1'025, 'x'),
       {},
       "400 bad-request: name has more than 1024 bytes"},
      {"a NUL",
       "POST",
       documents + "?name=a%00",
       {},
       "400 bad-request: name is no UTF-8 without NUL"},
      {"a lane that is none",
       "POST",
       documents + "?lane=express",
       {},
       "400 bad-request: lane is interactive or bulk"},
      {"a region that is none",
       "POST",
       documents + "?region=a/b",
       {},
       "400 bad-request: region is a name of letters, digits, -, _ and ."},
      {"metadata that are no object", "POST", documents + "?metadata=[1]", {}, bad_metadata},
      {"metadata with a NUL",
       "POST",
       documents + "?metadata=%7B%22a%22:%22%5Cu0000%22%7D",
       {},
       bad_metadata},
      {"metadata that are too deep",
       "POST",
       documents + "?metadata=%7B%22a%22:" + std::string(32, '[') + std::string(32, ']') + "%7D",
       {},
       bad_metadata},
      {"two lanes",
       "POST",
       documents + "?lane=bulk&lane=bulk",
       {},
       "400 bad-request: the query has two of lane"},
      {"a broken escape",
       "POST",
       documents + "?name=%zz",
       {},
       "400 bad-request: the query has a % that is no %XX, or what is no UTF-8"},
      {"no UTF-8",
       "POST",
       documents + "?name=%FF",
       {},
       "400 bad-request: the query has a % that is no %XX, or what is no UTF-8"},
      {"a form without a boundary",
       "POST",
       documents,
       {{"Content-Type", "multipart/form-data"}},
       "400 bad-request: a form is multipart/form-data with a boundary"},
  };
  Front front;
  for (const Case& each : cases) {
    INFO(each.what);
    CHECK(said(front.ask(each.method, each.target, text(), each.headers)) == each.said);
  }
  CHECK(front.entries().empty());
  CHECK(front.reserved(true) + front.reserved(false) == 0);
}

TEST_CASE("upload: metadata may be as deep as is said and no deeper") {
  Front front;
  const std::string deepest =
      "?metadata=%7B%22a%22:" + std::string(31, '[') + std::string(31, ']') + "%7D";
  CHECK(front.upload(text(), {}, deepest).status == 202);
}

TEST_CASE("upload: what is no PDF and no text is refused") {
  Front front;
  CHECK(said(front.upload("")) == "400 bad-request: the content is empty");
  CHECK(said(front.upload(std::string("MZ\0\0", 4))) ==
        "415 unsupported-content: it is neither a PDF nor text");
  CHECK(said(front.upload(text(), {{"Content-Type", "Application/PDF"}})) ==
        "415 unsupported-content: it is said to be a PDF and has no %PDF- near its start");
  CHECK(front.entries().empty());
  CHECK(front.reserved(true) + front.reserved(false) == 0);

  const auto media_type = [&](const std::string& content) {
    return json_in(front.upload(content, {{"Content-Type", "image/png"}}))
        .at("media_type")
        .get<std::string>();
  };
  CHECK(media_type(std::string("\xFF\xFE"
                               "a\0",
                               4)) == "text/plain; charset=utf-8");
  CHECK(media_type(std::string(1'000, '\0') + "%PDF-1.7") == "application/pdf");
}

TEST_CASE("upload: a content of the largest size is taken and one byte more is not") {
  constexpr const char* refused = "413 too-large: at most 100000 bytes are taken";
  Front front;
  CHECK(front.upload(text(document_bytes_max)).status == 202);
  // Found out once some of it was stored, and by the head.
  CHECK(said(front.upload(text(document_bytes_max + 1))) == refused);
  CHECK(said(front.upload(text(document_bytes_max + (64 << 10) + 1))) == refused);
  CHECK(said(front.upload(form({{"file", text(document_bytes_max + 1)}}), form_type)) == refused);
  CHECK(front.entries().size() == 1);
  CHECK(front.blobs_count() == 1);
  CHECK_THAT(front.metrics.text(), ContainsSubstring("penstock_rejected_total{reason=\"size\"} 3"));
}

TEST_CASE("upload: a form says what a query does") {
  Front front;
  const std::string content = text();
  const Json document = json_in(front.upload(
      form({{"lane", "bulk"}, {"file", content, "C:\\\\docs\\\\a.txt"}, {"metadata", "{\"a\":1}"}}),
      form_type));
  CHECK(document.at("name") == "a.txt");
  CHECK(document.at("lane") == "bulk");
  CHECK(document.at("metadata") == Json{{"a", 1}});
  CHECK(document.at("bytes") == content.size());
  // A name that is said is that, wherever it stands.
  const auto name_of = [&](const std::string& body, const std::string& query = {}) {
    return json_in(front.upload(body, form_type, query)).at("name").get<std::string>();
  };
  CHECK(name_of(form({{"name", "said"}, {"file", text(), "file"}})) == "said");
  CHECK(name_of(form({{"file", text(), "file"}, {"name", "said"}})) == "said");
  CHECK(name_of(form({{"file", text(), "file"}}), "?name=said") == "said");
}

TEST_CASE("upload: a form that is not as it should be is refused") {
  struct Case {
    std::string body, query;
    const char* detail;
  };
  const std::string whole = form({{"file", text(2'000)}});
  const Case cases[] = {
      {form({{"file", text(2'000)}, {"evil", "x"}}), "", "the form has a field that is none: evil"},
      {form({{"file", text(2'000)}, {"file", text()}}), "", "the form has more than one file"},
      {form({{"name", "x"}}), "", "the form has no part \"file\""},
      {form({{"file", ""}}), "", "the content is empty"},
      {form({{"file", text(2'000)}, {"lane", "express"}}), "", "lane is interactive or bulk"},
      {form({{"lane", "bulk"}, {"lane", "bulk"}}), "", "the upload has two of lane"},
      {form({{"lane", "bulk"}}), "?lane=bulk", "the upload has two of lane"},
      {form({{"file", text(2'000)}, {"metadata", std::string((64 << 10) + 1, 'x')}}), "",
       "metadata is longer than 64 KB"},
      {form({{"file", text(), std::string(1'025, 'x')}}), "", "name has more than 1024 bytes"},
      {whole.substr(0, whole.size() - 6), "",
       "the form is malformed: it ends before its last boundary"},
  };
  Front front;
  for (const Case& each : cases) {
    INFO(each.detail);
    CHECK(said(front.upload(each.body, form_type, each.query)) ==
          "400 bad-request: " + std::string(each.detail));
  }
  CHECK(front.entries().empty());
  CHECK(front.blobs_count() == 0);
}

TEST_CASE("upload: a repetition is answered with the first one's document") {
  Front front;
  const HttpHeaders once = {{"Idempotency-Key", "monday"}};
  const std::string content = text();
  const std::string first = json_in(front.upload(content, once)).at("id");
  const HttpResponse again = front.upload(content, once);
  CHECK(again.status == 200);
  CHECK(again.headers.find("Idempotency-Replayed") == "true");
  CHECK(again.headers.find("Location") == "/v1/documents/" + first);
  CHECK(json_in(again).at("id") == first);
  // Its own bytes are nobody's, and left to the sweep.
  CHECK(front.reserved(false) == 1);
  CHECK(said(front.upload(text(), once)) == "422 idempotency-conflict: by the document " + first +
                                                "; send another document with another key");
  CHECK(said(front.upload(content, once, "?metadata=%7B%22a%22:1%7D")).starts_with("422 "));
  CHECK(front.entries().size() == 1);

  front.store.break_step("find");
  CHECK(said(front.upload(content, once)).starts_with("503 unavailable: "));
  front.store.mend();
  CHECK(front.ask("DELETE", "/v1/documents/" + first).status == 204);
  CHECK(said(front.upload(content, once)).starts_with("404 no-such-document: "));
}

TEST_CASE("upload: an id of its own is a document's whatever its content") {
  Front front;
  const std::string content = text();
  const std::string path = "/v1/documents/mine";
  const HttpResponse first = front.ask("PUT", path, content);
  CHECK(first.status == 202);
  CHECK(json_in(first).at("id") == "mine");
  CHECK(front.ask("PUT", path, content).status == 200);
  CHECK(front.reserved(true) == 0);
  const HttpResponse other = front.ask("PUT", path, text());
  CHECK(other.status == 202);
  CHECK(json_in(other).at("sha256") != json_in(first).at("sha256"));
  CHECK(front.entries().size() == 1);
  // The first one's bytes.
  CHECK(front.reserved(true) == 1);
}

TEST_CASE("upload: what the queue has no room for is accepted and waits in the catalog") {
  Front front({}, {.documents_max = 1});
  HeardEvents heard;
  const auto subscription = front.events.subscribe(heard.listener());
  CHECK(json_in(front.upload(text())).at("state") == "queued");
  const HttpResponse second = front.upload(text());
  CHECK(second.status == 202);
  CHECK(json_in(second).at("state") == "received");
  CHECK(json_in(second).at("timeline").at("queued").is_null());
  const auto waiting = front.catalog.unqueued(wall_now() + std::chrono::hours(1), 10).value();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].name.id == json_in(second).at("id"));
  std::vector<Milestone> milestones;
  for (const DocumentEvent& event : heard.all()) milestones.push_back(event.milestone);
  CHECK(milestones == std::vector{Milestone::received, Milestone::queued, Milestone::received});
  CHECK(front.log().empty());
}

TEST_CASE("upload: a lane that is full refuses by the head and what a form says late") {
  Front front({.bulk_depth = 0});
  const HttpResponse refused = front.upload(text(), {}, "?lane=bulk");
  CHECK(said(refused).starts_with("429 queue-is-full: "));
  CHECK(refused.headers.find("Retry-After").has_value());
  CHECK(front.reserved(false) == 0);
  CHECK(said(front.upload(form({{"file", text(2'000)}, {"lane", "bulk"}}), form_type))
            .starts_with("429 queue-is-full: "));
  CHECK(front.blobs_count() == 0);
  CHECK(front.upload(text()).status == 202);
  CHECK_THAT(front.metrics.text(),
             ContainsSubstring("penstock_rejected_total{reason=\"depth\"} 2"));
}

TEST_CASE("upload: nothing is accepted that cannot be kept") {
  const std::string step =
      GENERATE("catalog.reserve", "blobs.begin", "blobs.append", "blobs.commit", "catalog.add");
  // Looked at when it ends, and before that.
  const std::size_t bytes = GENERATE(10, 90'000);
  INFO(step << ' ' << bytes);
  Front front;
  HeardEvents heard;
  const auto subscription = front.events.subscribe(heard.listener());
  front.store.break_step(step);
  const HttpResponse refused = front.upload(text(bytes));
  CHECK(said(refused).starts_with("503 unavailable: "));
  CHECK(refused.body.find(step) == std::string::npos);
  CHECK(front.log() == std::vector<std::string>{"an upload failed: " + step + " is broken"});
  CHECK(front.entries().empty());
  CHECK(heard.all().empty());
  // What was stored before it was refused is left to the sweep.
  CHECK(front.blobs_count() == (step == "catalog.add" ? 1 : 0));
  CHECK(front.reserved(false) == (step == "catalog.reserve" ? 0 : 1));
  front.store.mend();
  CHECK(front.upload(text(bytes)).status == 202);
}

TEST_CASE("upload: what is in the catalog is accepted whatever fails from then on") {
  Front front;
  front.store.break_step("catalog.mark_queued");
  const HttpResponse answer = front.upload(text());
  CHECK(answer.status == 202);
  CHECK(json_in(answer).at("state") == "received");
  CHECK(front.entries().size() == 1);
  CHECK(front.log() == std::vector<std::string>{"catalog.mark_queued is broken"});
}

}  // namespace
}  // namespace penstock
