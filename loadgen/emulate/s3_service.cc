#include "loadgen/emulate/s3_service.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/core/uri.h"
#include "loadgen/emulate/s3_answers.h"

namespace penstock {
namespace {

constexpr std::size_t page_max = 1'000;
constexpr std::uint32_t part_number_max = 10'000;

// What requests may ask for; others, such as versionId or acl, would change what they mean.
constexpr std::array<std::string_view, 12> known_parameters = {
    "list-type", "prefix",    "max-keys",   "continuation-token", "encoding-type", "uploads",
    "uploadId",  "max-parts", "partNumber", "part-number-marker", "fetch-owner",   "x-id"};

S3Answer refuse(S3Operation operation, const S3Refusal& refusal, const S3Target& target) {
  S3Answer answer{operation, refusal.status, {}, s3_error_xml(refusal, target.path), 0};
  answer.headers.add("content-type", "application/xml");
  answer.bytes = answer.body.size();
  return answer;
}

S3Answer xml(S3Operation operation, std::string body) {
  S3Answer answer{operation, 200, {}, std::move(body), 0};
  answer.headers.add("content-type", "application/xml");
  answer.bytes = answer.body.size();
  return answer;
}

const S3Refusal no_bucket{404, "NoSuchBucket", "The specified bucket does not exist"};
const S3Refusal no_key{404, "NoSuchKey", "The specified key does not exist."};
const S3Refusal no_upload{404, "NoSuchUpload", "The specified multipart upload does not exist."};
const S3Refusal not_emulated{501, "NotImplemented",
                             "A header or a query you provided is not emulated."};
const S3Refusal bad_digest{400, "BadDigest",
                           "The digest you specified did not match what we received."};

// Absent: not a number up to `max`.
std::optional<std::uint64_t> number_of(std::string_view digits, std::uint64_t max) {
  std::uint64_t number = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, number);
  if (error != std::errc() || end != last || number > max) return std::nullopt;
  return number;
}

template <typename Digest>
std::string base64_of(const Digest& digest) {
  std::string text((digest.size() + 2) / 3 * 4 + 1, '\0');
  text.resize(
      static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                               digest.data(), static_cast<int>(digest.size()))));
  return text;
}

// By the digests that were sent along.
bool is_intact(const ServedRequest& request, const Md5& digest) {
  const auto md5_sent = request.headers.find("content-md5");
  if (md5_sent && *md5_sent != base64_of(digest)) return false;
  const auto sha256_sent = request.headers.find("x-amz-checksum-sha256");
  return !sha256_sent || *sha256_sent == base64_of(sha256(request.body));
}

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

// Absent: none of the content. What is no single range asks for everything.
std::optional<Range> range_of(std::string_view header, std::uint64_t bytes) {
  constexpr std::string_view unit = "bytes=";
  const std::size_t dash = header.find('-');
  if (!header.starts_with(unit) || dash == std::string_view::npos) return Range{0, bytes};
  const std::string_view first = header.substr(unit.size(), dash - unit.size());
  const std::string_view last = header.substr(dash + 1);
  const auto from = number_of(first, UINT64_MAX);
  const auto to = number_of(last, UINT64_MAX);
  if ((!from && !first.empty()) || (!to && !last.empty()) || (!from && !to)) return Range{0, bytes};
  if (!from) {
    const std::uint64_t tail = std::min(*to, bytes);
    return tail == 0 ? std::nullopt : std::optional(Range{bytes - tail, tail});
  }
  if (*from >= bytes || (to && *to < *from)) return std::nullopt;
  return Range{*from, std::min(to.value_or(bytes - 1), bytes - 1) - *from + 1};
}

}  // namespace

S3Service::S3Service(S3ServiceOptions options)
    : options_(std::move(options)), objects_(options_.folder, options_.buckets) {}

S3Answer S3Service::answer(const ServedRequest& request) {
  const std::optional<S3Target> target = parse_s3_target(request.target);
  if (!target)
    return refuse(S3Operation::refused, {400, "InvalidURI", "Couldn't parse the specified URI."},
                  {});
  if (const auto refusal = refuse_signature(request, *target, options_.credentials, options_.now()))
    return refuse(S3Operation::refused, *refusal, *target);
  return dispatch(request, *target);
}

S3Answer S3Service::dispatch(const ServedRequest& request, const S3Target& target) {
  const bool is_known = std::ranges::all_of(target.query, [](const auto& parameter) {
    return std::ranges::find(known_parameters, parameter.first) != known_parameters.end();
  });
  if (!is_known || target.bucket.empty()) return refuse(S3Operation::refused, not_emulated, target);
  if (target.key.empty()) return answer_bucket(request, target);
  if (objects_.bucket(target.bucket) == nullptr &&
      (request.method == "GET" || request.method == "HEAD" || request.method == "DELETE" ||
       !objects_.make_bucket(target.bucket)))
    return refuse(S3Operation::refused, no_bucket, target);
  if (target.find("uploads") != nullptr || target.find("uploadId") != nullptr)
    return answer_upload(request, target);
  return answer_object(request, target);
}

S3Answer S3Service::answer_bucket(const ServedRequest& request, const S3Target& target) {
  if (request.method == "PUT" && objects_.make_bucket(target.bucket))
    return {S3Operation::bucket, 200, {}, {}, 0};
  if (objects_.bucket(target.bucket) == nullptr)
    return refuse(S3Operation::refused, no_bucket, target);
  if (request.method == "HEAD") return {S3Operation::bucket, 200, {}, {}, 0};
  if (request.method != "GET") return refuse(S3Operation::refused, not_emulated, target);
  if (target.find("uploads") != nullptr) return list_uploads(target);
  const std::string* type = target.find("list-type");
  if (type == nullptr || *type != "2") return refuse(S3Operation::refused, not_emulated, target);
  return list(target);
}

S3Answer S3Service::answer_object(const ServedRequest& request, const S3Target& target) {
  if (request.method == "GET" || request.method == "HEAD") return get(request, target);
  if (request.method == "PUT") return put(request, target);
  if (request.method != "DELETE") return refuse(S3Operation::refused, not_emulated, target);
  objects_.remove(target.bucket, target.key);
  return {S3Operation::delete_object, 204, {}, {}, 0};
}

S3Answer S3Service::get(const ServedRequest& request, const S3Target& target) {
  const bool is_head = request.method == "HEAD";
  const S3Operation operation = is_head ? S3Operation::head_object : S3Operation::get_object;
  const StoredObject* object = objects_.find(target.bucket, target.key);
  if (object == nullptr) return refuse(operation, no_key, target);
  const std::string_view match = request.headers.find("if-match").value_or("*");
  if (match != "*" && match != object->etag)
    return refuse(operation,
                  {412, "PreconditionFailed",
                   "At least one of the pre-conditions you specified did not hold"},
                  target);
  const auto asked = request.headers.find("range");
  const auto range = asked ? range_of(*asked, object->bytes) : Range{0, object->bytes};
  if (!range)
    return refuse(operation, {416, "InvalidRange", "The requested range is not satisfiable"},
                  target);
  const bool is_whole = range->bytes == object->bytes;
  S3Answer answer{operation, is_whole ? 200 : 206, {}, {}, range->bytes};
  answer.headers = {{"etag", object->etag},
                    {"last-modified", http_time(object->modified)},
                    {"accept-ranges", "bytes"},
                    {"content-type", "application/octet-stream"}};
  if (!is_whole)
    answer.headers.add("content-range", "bytes " + std::to_string(range->begin) + "-" +
                                            std::to_string(range->begin + range->bytes - 1) + "/" +
                                            std::to_string(object->bytes));
  if (is_whole && !object->checksum_sha256.empty() &&
      request.headers.find("x-amz-checksum-mode") == "ENABLED")
    answer.headers.add("x-amz-checksum-sha256", object->checksum_sha256);
  if (is_head) return answer;
  std::optional<std::string> content =
      objects_.content(target.bucket, target.key, range->begin, range->bytes);
  if (!content) return refuse(operation, no_key, target);
  answer.body = *std::move(content);
  return answer;
}

S3Answer S3Service::put(const ServedRequest& request, const S3Target& target) {
  if (request.headers.find("x-amz-copy-source") || request.headers.find("if-none-match"))
    return refuse(S3Operation::put_object, not_emulated, target);
  const Md5 digest = md5(request.body);
  if (!is_intact(request, digest)) return refuse(S3Operation::put_object, bad_digest, target);
  StoredObject object;
  object.bytes = request.body.size();
  object.modified = std::chrono::system_clock::to_time_t(options_.now());
  object.etag = etag_of(digest);
  object.checksum_sha256 = request.headers.find("x-amz-checksum-sha256").value_or("");
  object.content = std::make_shared<const std::string>(request.body);
  S3Answer answer{S3Operation::put_object, 200, {{"etag", object.etag}}, {}, 0};
  if (!objects_.put(target.bucket, target.key, std::move(object)))
    return refuse(S3Operation::put_object,
                  {400, "InvalidArgument", "The folder cannot take an object of this key."},
                  target);
  return answer;
}

S3Answer S3Service::list(const S3Target& target) {
  const std::string* asked = target.find("max-keys");
  const auto keys_max = asked == nullptr ? page_max : number_of(*asked, UINT64_MAX);
  const std::string* token = target.find("continuation-token");
  const auto after = token == nullptr ? std::nullopt : parse_s3_target("/?" + *token + "=");
  if (!keys_max || (token != nullptr && (!after || after->query.size() != 1)))
    return refuse(S3Operation::list_objects,
                  {400, "InvalidArgument", "The max-keys or the continuation token is not valid"},
                  target);
  const std::string* prefix = target.find("prefix");
  const std::string begin = prefix == nullptr ? std::string() : *prefix;
  const StoredBucket& bucket = *objects_.bucket(target.bucket);
  auto object = after ? bucket.upper_bound(after->query.begin()->first) : bucket.lower_bound(begin);
  const std::size_t page_keys = std::min<std::size_t>(*keys_max, page_max);
  S3ListedPage page;
  for (; object != bucket.end() && object->first.starts_with(begin); ++object) {
    if (page.objects.size() == page_keys) {
      if (page_keys > 0) page.next = uri_encoded(page.objects.back().key);
      break;
    }
    // Of a file the ETag is not known before.
    if (const StoredObject* found = objects_.find(target.bucket, object->first))
      page.objects.push_back({object->first, *found});
  }
  return xml(S3Operation::list_objects, listing_xml(target, page, page_keys));
}

S3Answer S3Service::answer_upload(const ServedRequest& request, const S3Target& target) {
  if (target.find("uploads") != nullptr)
    return request.method == "POST" ? create_upload(target)
                                    : refuse(S3Operation::refused, not_emulated, target);
  const std::string& id = *target.find("uploadId");
  S3PendingUpload* upload = uploads_.find(id, target.bucket, target.key);
  if (upload == nullptr) return refuse(S3Operation::refused, no_upload, target);
  if (request.method == "PUT") return put_part(request, target, *upload);
  if (request.method == "POST") return complete(request, target, id);
  if (request.method == "DELETE") {
    uploads_.remove(id);
    return {S3Operation::abort_upload, 204, {}, {}, 0};
  }
  if (request.method != "GET") return refuse(S3Operation::refused, not_emulated, target);
  const std::string* after = target.find("part-number-marker");
  const std::string* asked = target.find("max-parts");
  const auto marker = after == nullptr ? 0 : number_of(*after, part_number_max);
  const auto parts_max = asked == nullptr ? page_max : number_of(*asked, page_max);
  if (!marker || !parts_max)
    return refuse(S3Operation::list_parts,
                  {400, "InvalidArgument", "The marker or max-parts is not valid"}, target);
  return xml(S3Operation::list_parts,
             parts_xml(target, id, *upload, static_cast<std::uint32_t>(*marker), *parts_max));
}

S3Answer S3Service::create_upload(const S3Target& target) {
  return xml(S3Operation::create_upload,
             upload_xml(target, uploads_.create(target.bucket, target.key)));
}

S3Answer S3Service::put_part(const ServedRequest& request, const S3Target& target,
                             S3PendingUpload& upload) {
  const std::string* digits = target.find("partNumber");
  const auto number = digits == nullptr ? std::nullopt : number_of(*digits, part_number_max);
  if (!number || *number == 0)
    return refuse(S3Operation::put_part,
                  {400, "InvalidArgument", "Part number must be from 1 to 10000"}, target);
  const Md5 digest = md5(request.body);
  if (!is_intact(request, digest)) return refuse(S3Operation::put_part, bad_digest, target);
  upload.parts[static_cast<std::uint32_t>(*number)] = {request.body, digest};
  return {S3Operation::put_part, 200, {{"etag", etag_of(digest)}}, {}, 0};
}

S3Answer S3Service::complete(const ServedRequest& request, const S3Target& target,
                             const std::string& id) {
  auto completed = S3Uploads::complete(*uploads_.find(id, target.bucket, target.key), request.body);
  if (!completed) return refuse(S3Operation::complete_upload, completed.error(), target);
  StoredObject object;
  object.bytes = completed->content.size();
  object.modified = std::chrono::system_clock::to_time_t(options_.now());
  object.etag = completed->etag;
  object.content = std::make_shared<const std::string>(std::move(completed->content));
  if (!objects_.put(target.bucket, target.key, std::move(object)))
    return refuse(S3Operation::complete_upload,
                  {400, "InvalidArgument", "The folder cannot take an object of this key."},
                  target);
  uploads_.remove(id);
  return xml(S3Operation::complete_upload, completed_xml(target, completed->etag));
}

S3Answer S3Service::list_uploads(const S3Target& target) const {
  return xml(S3Operation::list_uploads, uploads_xml(target, uploads_));
}

}  // namespace penstock
