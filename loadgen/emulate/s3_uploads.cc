#include "loadgen/emulate/s3_uploads.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "engine/core/sha256.h"
#include "engine/http/xml.h"
#include "loadgen/emulate/s3_objects.h"

namespace penstock {
namespace {

constexpr std::size_t part_bytes_min = 5 << 20;

std::string_view without_quotes(std::string_view etag) {
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  return etag;
}

tl::unexpected<S3Refusal> refused(std::string code, std::string message) {
  return tl::unexpected<S3Refusal>({400, std::move(code), std::move(message)});
}

}  // namespace

std::string S3Uploads::create(std::string bucket, std::string key) {
  std::string id = fmt::format("emulated.{}/+=", ++created_);  // in need of escapes, as AWS's are
  uploads_[id] = {std::move(bucket), std::move(key), {}};
  return id;
}

S3PendingUpload* S3Uploads::find(const std::string& id, const std::string& bucket,
                                 const std::string& key) {
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.key != key)
    return nullptr;
  return &found->second;
}

tl::expected<S3Completed, S3Refusal> S3Uploads::complete(const S3PendingUpload& upload,
                                                         const std::string& document) {
  const Result<XmlElement> root = parse_xml(document);
  if (!root || root->name != "CompleteMultipartUpload" || root->children.empty())
    return refused("MalformedXML", "The XML you provided was not well-formed.");
  S3Completed completed;
  std::string digests;
  std::uint32_t last = 0;
  for (const XmlElement& asked : root->children) {
    const std::string_view digits = asked.text_of("PartNumber");
    std::uint32_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const auto part = upload.parts.find(number);
    if (part == upload.parts.end() ||
        without_quotes(etag_of(part->second.digest)) != without_quotes(asked.text_of("ETag")))
      return refused("InvalidPart", "One or more of the specified parts could not be found.");
    if (number <= last)
      return refused("InvalidPartOrder", "The list of parts was not in ascending order.");
    last = number;
    const std::string& content = part->second.content;
    if (content.size() < part_bytes_min && &asked != &root->children.back())
      return refused("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed.");
    completed.content += content;
    const Md5& digest = part->second.digest;
    digests.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  const Md5 digest = md5(digests);
  completed.etag = fmt::format("\"{}-{}\"", to_hex(digest), root->children.size());
  return completed;
}

}  // namespace penstock
