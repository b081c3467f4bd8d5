#include "engine/backends/s3/s3_upload.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <future>
#include <utility>

#include "engine/backends/s3/checksum.h"
#include "engine/backends/s3/s3_error.h"
#include "engine/backends/s3/s3_listing.h"
#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "engine/http/xml.h"

namespace penstock {
namespace {

constexpr std::size_t parts_max = 10'000;

tl::unexpected<Error> nonsense(const char* what) {
  return retryable_error(std::string("the service's answer is no ") + what);
}

// 0: not a part's number.
std::size_t part_number(std::string_view digits) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

Result<XmlElement> answered_xml(Result<HttpResponse> response) {
  response = checked(std::move(response));
  if (!response) return pass_on(response.error());
  return parse_xml(response->body);
}

}  // namespace

S3Upload::S3Upload(S3Client& client, S3Location object, std::string_view content)
    : client_(client), object_(std::move(object)) {
  const std::size_t part_bytes =
      std::max(client.options().part_bytes, (content.size() + parts_max - 1) / parts_max);
  for (std::size_t at = 0; at < content.size(); at += part_bytes) {
    const std::string_view part = content.substr(at, part_bytes);
    parts_.push_back({part, md5(part), {}});
  }
}

Result<void> S3Upload::run() {
  Result<void> done = begin();
  if (!done) return done;
  done = send_missing();
  if (done) done = complete();
  if (!done && done.error().kind == ErrorKind::permanent) abort();
  return done;
}

Result<void> S3Upload::begin() {
  // Who may write need not be allowed to look for uploads, and not every service can tell them.
  const Result<std::vector<std::string>> ids = upload_ids();
  if (!ids && ids.error().kind != ErrorKind::permanent) return pass_on(ids.error());
  for (const std::string& id : ids.value_or(std::vector<std::string>())) {
    const Result<bool> adopted = adopt(id);
    if (!adopted && adopted.error().kind != ErrorKind::permanent) return pass_on(adopted.error());
    if (adopted && *adopted) return {};
  }
  S3Request request;
  request.method = "POST";
  request.at = object_;
  request.query = {{"uploads", ""}};
  const Result<XmlElement> answer = answered_xml(client_.ask(request));
  if (!answer) return pass_on(answer.error());
  upload_id_ = answer->text_of("UploadId");
  if (upload_id_.empty()) return nonsense("upload");
  return {};
}

Result<std::vector<std::string>> S3Upload::upload_ids() {
  S3Request request;
  request.at.bucket = object_.bucket;
  request.query = {{"uploads", ""}, {"prefix", object_.key}, {"encoding-type", "url"}};
  const Result<XmlElement> answer = answered_xml(client_.ask(request));
  if (!answer) return pass_on(answer.error());
  const bool is_encoded = answer->text_of("EncodingType") == "url";
  std::vector<std::string> ids;
  for (const XmlElement& upload : answer->children) {
    if (upload.name != "Upload") continue;
    const std::string key(upload.text_of("Key"));
    if ((is_encoded ? query_decoded(key).value_or("") : key) == object_.key)
      ids.emplace_back(upload.text_of("UploadId"));
  }
  return ids;
}

Result<bool> S3Upload::adopt(const std::string& upload_id) {
  std::vector<std::string> etags(parts_.size());
  bool has_any = false;
  std::string after = "0";
  do {
    S3Request request;
    request.at = object_;
    request.query = {{"uploadId", upload_id}, {"part-number-marker", after}};
    const Result<XmlElement> page = answered_xml(client_.ask(request));
    if (!page) return pass_on(page.error());
    for (const XmlElement& part : page->children) {
      if (part.name != "Part") continue;
      const std::size_t number = part_number(part.text_of("PartNumber"));
      const std::string_view etag = part.text_of("ETag");
      if (number == 0 || number > parts_.size() ||
          part.text_of("Size") != std::to_string(parts_[number - 1].content.size()) ||
          unquoted(etag) != to_hex(parts_[number - 1].digest))
        return false;
      etags[number - 1] = etag;
      has_any = true;
    }
    const std::string last = after;
    after = page->text_of("IsTruncated") == "true" ? page->text_of("NextPartNumberMarker") : "";
    if (part_number(after) <= part_number(last)) after.clear();
  } while (!after.empty());
  if (!has_any) return false;
  upload_id_ = upload_id;
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].etag = std::move(etags[i]);
  return true;
}

S3Request S3Upload::part_request(std::size_t index) const {
  S3Request request;
  request.method = "PUT";
  request.at = object_;
  request.query = {{"partNumber", std::to_string(index + 1)}, {"uploadId", upload_id_}};
  request.headers.add("Content-MD5", base64_of(parts_[index].digest));
  request.body = parts_[index].content;
  return request;
}

// The oldest is waited for while the others are on their way; if it fails it goes again.
Result<void> S3Upload::send_missing() {
  struct Sent {
    std::size_t index;
    std::future<Result<HttpResponse>> answer;
  };
  std::deque<Sent> flight;
  const auto send = [&](std::size_t index) {
    return Sent{index, client_.start(part_request(index))};
  };
  S3Patience patience(client_.options());
  Result<void> done;
  std::size_t next = 0;
  for (;;) {
    for (; next < parts_.size() && flight.size() < client_.options().parts_in_flight; ++next)
      if (parts_[next].etag.empty()) flight.push_back(send(next));
    if (flight.empty()) return done;
    Sent first = std::move(flight.front());
    flight.pop_front();
    const Result<HttpResponse> answer = checked(first.answer.get());
    if (answer) {
      patience.reset();
      parts_[first.index].etag = answer->headers.find("ETag").value_or("");
      if (parts_[first.index].etag.empty())
        parts_[first.index].etag = to_hex(parts_[first.index].digest);
    } else if (done && answer.error().kind == ErrorKind::retryable && client_.pause(patience)) {
      flight.push_front(send(first.index));
    } else if (done) {
      // What is under way is waited for, so that nothing comes after an abort.
      done = pass_on(answer.error());
      next = parts_.size();
    }
  }
}

Result<void> S3Upload::complete() {
  S3Request request;
  request.method = "POST";
  request.at = object_;
  request.query = {{"uploadId", upload_id_}};
  request.headers.add("Content-Type", "application/xml");
  request.body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < parts_.size(); ++i)
    request.body += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" +
                    xml_escaped(parts_[i].etag) + "</ETag></Part>";
  request.body += "</CompleteMultipartUpload>";
  const Result<HttpResponse> answer = checked(client_.ask(request));
  if (answer) return {};
  // Its answer may have been lost the first time, or another worker was quicker.
  if (answer.error().kind == ErrorKind::permanent && is_there_already()) return {};
  return pass_on(answer.error());
}

bool S3Upload::is_there_already() {
  S3Request request;
  request.method = "HEAD";
  request.at = object_;
  const Result<HttpResponse> answer = checked(client_.ask(request));
  if (!answer) return false;
  std::string digests;
  for (const Part& part : parts_)
    digests.append(reinterpret_cast<const char*>(part.digest.data()), part.digest.size());
  return unquoted(answer->headers.find("ETag").value_or("")) ==
         to_hex(md5(digests)) + "-" + std::to_string(parts_.size());
}

// Whether it works or not, the error that led here is the one to tell.
void S3Upload::abort() {
  S3Request request;
  request.method = "DELETE";
  request.at = object_;
  request.query = {{"uploadId", upload_id_}};
  static_cast<void>(client_.ask(request));
}

}  // namespace penstock
