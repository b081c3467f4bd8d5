#include "engine/backends/s3/s3_listing.h"

#include <charconv>
#include <ctime>
#include <utility>

#include "engine/backends/s3/s3_error.h"
#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "engine/http/xml.h"

namespace penstock {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, number);
  if (error != std::errc() || end != last || digits.empty()) return std::nullopt;
  return number;
}

// In whole seconds: what HEAD tells has no more, and a stamp is the same wherever it comes from.
std::optional<std::int64_t> parse_time(std::string_view text, const char* format) {
  std::tm time{};
  const char* const rest = strptime(std::string(text).c_str(), format, &time);
  if (rest == nullptr) return std::nullopt;
  return static_cast<std::int64_t>(timegm(&time)) * 1'000'000'000;
}

// An ETag names a content, in whatever way the service makes it; 63 bits of a digest of it are
// enough to tell apart the contents that one object ever has.
std::int64_t digest_of(std::string_view etag) {
  if (etag.empty()) return 0;
  const Sha256 digest = sha256(etag);
  std::uint64_t first = 0;
  for (int i = 0; i < 8; ++i) first = first << 8 | digest[static_cast<std::size_t>(i)];
  first >>= 1;
  return first == 0 ? 1 : static_cast<std::int64_t>(first);
}

tl::unexpected<Error> not_a_listing(const char* why) {
  return retryable_error(std::string("an answer that is no listing: ") + why);
}

Result<S3Object> parse_object(const XmlElement& contents, bool is_encoded) {
  const XmlElement* key = contents.find("Key");
  const auto bytes = parse_number(contents.text_of("Size"));
  const auto modified = parse_time(contents.text_of("LastModified"), "%Y-%m-%dT%H:%M:%S");
  if (key == nullptr || key->text.empty()) return not_a_listing("an object has no key");
  if (!bytes) return not_a_listing("an object has no size");
  if (!modified) return not_a_listing("an object has no time");
  S3Object object{key->text, {*bytes, *modified, digest_of(unquoted(contents.text_of("ETag")))}};
  if (!is_encoded) return object;
  std::optional<std::string> decoded = query_decoded(key->text);
  if (!decoded) return not_a_listing("a key has a broken escape");
  object.key = *std::move(decoded);
  return object;
}

}  // namespace

std::string_view unquoted(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"'))
    etag = etag.substr(1, etag.size() - 2);
  return etag;
}

S3Request listing_request(const S3Location& prefix, const std::string& token,
                          std::size_t objects_max) {
  S3Request request;
  request.at.bucket = prefix.bucket;
  request.query = {{"list-type", "2"},
                   // Keys may hold characters that no XML can.
                   {"encoding-type", "url"},
                   {"max-keys", std::to_string(objects_max)},
                   {"prefix", prefix.key}};
  if (!token.empty()) request.query.emplace("continuation-token", token);
  return request;
}

Result<S3Page> parse_listing(std::string_view xml) {
  const Result<XmlElement> root = parse_xml(xml);
  if (!root) return pass_on(root.error());
  if (root->name != "ListBucketResult") return not_a_listing("its root has another name");
  const std::string_view truncated = root->text_of("IsTruncated");
  if (truncated != "true" && truncated != "false")
    return not_a_listing("it does not say whether it goes on");
  S3Page page;
  // Not every service heeds what was asked for; each says what it did.
  const bool is_encoded = root->text_of("EncodingType") == "url";
  for (const XmlElement& child : root->children) {
    if (child.name != "Contents") continue;
    Result<S3Object> object = parse_object(child, is_encoded);
    if (!object) return pass_on(object.error());
    page.objects.push_back(*std::move(object));
  }
  if (truncated == "true") {
    page.next = root->text_of("NextContinuationToken");
    if (page.next.empty()) return not_a_listing("it goes on, but does not say where");
  }
  return page;
}

Result<S3Page> list_page(S3Client& client, const S3Location& prefix, const std::string& token,
                         std::size_t objects_max) {
  const S3Request request = listing_request(prefix, token, objects_max);
  S3Patience patience(client.options());
  for (;;) {
    const Result<HttpResponse> response = checked(client.start(request).get());
    Result<S3Page> page = response ? parse_listing(response->body) : pass_on(response.error());
    if (page || page.error().kind != ErrorKind::retryable || !client.pause(patience)) return page;
  }
}

Result<std::optional<SourceStamp>> stamp_of_object(S3Client& client, const S3Location& object) {
  S3Request request;
  request.method = "HEAD";
  request.at = object;
  const Result<HttpResponse> response = client.ask(request);
  if (!response) return pass_on(response.error());
  if (response->status == 404) return std::nullopt;
  if (const std::optional<Error> failure = failure_of(*response)) return pass_on(*failure);
  const HttpHeaders& headers = response->headers;
  SourceStamp stamp;
  stamp.bytes = parse_number(headers.find("Content-Length").value_or("")).value_or(0);
  stamp.modified_ns =
      parse_time(headers.find("Last-Modified").value_or(""), "%a, %d %b %Y %H:%M:%S GMT")
          .value_or(0);
  stamp.changed_ns = digest_of(unquoted(headers.find("ETag").value_or("")));
  return stamp;
}

}  // namespace penstock
