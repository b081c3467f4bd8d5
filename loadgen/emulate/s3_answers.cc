#include "loadgen/emulate/s3_answers.h"

#include <fmt/format.h>

#include <array>

#include "engine/core/uri.h"
#include "engine/http/xml.h"

namespace penstock {
namespace {

constexpr std::string_view declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view name_space = "http://s3.amazonaws.com/doc/2006-03-01/";

std::string formatted(std::time_t time, const char* format) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::string element(std::string_view name, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", name, xml_escaped(text));
}

std::string document(std::string_view name, const std::string& content) {
  return fmt::format("{0}<{1} xmlns=\"{2}\">{3}</{1}>", declaration, name, name_space, content);
}

bool is_encoded(const S3Target& target) {
  const std::string* encoding = target.find("encoding-type");
  return encoding != nullptr && *encoding == "url";
}

// As asked for: as it is, or with escapes, slashes as they are and a space as +.
std::string key_text(const S3Target& target, std::string_view key) {
  if (!is_encoded(target)) return std::string(key);
  std::string encoded = uri_encoded(key, "/ ");
  for (char& c : encoded)
    if (c == ' ') c = '+';
  return encoded;
}

// No XML can hold every key: of what is not printable ASCII, the escapes.
std::string presentable(std::string_view key) {
  return uri_encoded(key, " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}");
}

std::string encoding_element(const S3Target& target) {
  return is_encoded(target) ? element("EncodingType", "url") : std::string();
}

std::string etag_element(const std::string& etag) {
  return element("ETag", etag);
}

}  // namespace

std::string http_time(std::time_t time) {
  return formatted(time, "%a, %d %b %Y %H:%M:%S GMT");
}

std::string s3_error_xml(const S3Refusal& refusal, std::string_view resource) {
  return fmt::format("{}<Error>{}{}{}{}</Error>", declaration, element("Code", refusal.code),
                     element("Message", refusal.message),
                     element("Resource", presentable(resource)), element("RequestId", "EMULATED"));
}

std::string listing_xml(const S3Target& target, const S3ListedPage& page, std::size_t keys_max) {
  const std::string* prefix = target.find("prefix");
  std::string content = element("Name", target.bucket) +
                        element("Prefix", key_text(target, prefix == nullptr ? "" : *prefix)) +
                        element("KeyCount", std::to_string(page.objects.size())) +
                        element("MaxKeys", std::to_string(keys_max)) + encoding_element(target) +
                        element("IsTruncated", page.next.empty() ? "false" : "true");
  if (!page.next.empty()) content += element("NextContinuationToken", page.next);
  for (const auto& [key, object] : page.objects)
    content += "<Contents>" + element("Key", key_text(target, key)) +
               element("LastModified", formatted(object.modified, "%Y-%m-%dT%H:%M:%S.000Z")) +
               etag_element(object.etag) + element("Size", std::to_string(object.bytes)) +
               element("StorageClass", "STANDARD") + "</Contents>";
  return document("ListBucketResult", content);
}

std::string upload_xml(const S3Target& target, const std::string& id) {
  return document("InitiateMultipartUploadResult", element("Bucket", target.bucket) +
                                                       element("Key", presentable(target.key)) +
                                                       element("UploadId", id));
}

std::string completed_xml(const S3Target& target, const std::string& etag) {
  return document("CompleteMultipartUploadResult", element("Bucket", target.bucket) +
                                                       element("Key", presentable(target.key)) +
                                                       etag_element(etag));
}

std::string parts_xml(const S3Target& target, const std::string& id, const S3PendingUpload& upload,
                      std::uint32_t after, std::size_t parts_max) {
  std::string parts;
  std::uint32_t last = after;
  auto part = upload.parts.upper_bound(after);
  for (std::size_t i = 0; i < parts_max && part != upload.parts.end(); ++i, ++part) {
    last = part->first;
    parts += "<Part>" + element("PartNumber", std::to_string(part->first)) +
             etag_element(etag_of(part->second.digest)) +
             element("Size", std::to_string(part->second.content.size())) + "</Part>";
  }
  return document("ListPartsResult",
                  element("Bucket", target.bucket) + element("Key", presentable(target.key)) +
                      element("UploadId", id) + element("PartNumberMarker", std::to_string(after)) +
                      element("NextPartNumberMarker", std::to_string(last)) +
                      element("IsTruncated", part == upload.parts.end() ? "false" : "true") +
                      parts);
}

std::string uploads_xml(const S3Target& target, const S3Uploads& uploads) {
  const std::string* prefix = target.find("prefix");
  std::string content =
      element("Bucket", target.bucket) + encoding_element(target) + element("IsTruncated", "false");
  for (const auto& [id, upload] : uploads.all())
    if (upload.bucket == target.bucket && (prefix == nullptr || upload.key.starts_with(*prefix)))
      content += "<Upload>" + element("Key", key_text(target, upload.key)) +
                 element("UploadId", id) + "</Upload>";
  return document("ListMultipartUploadsResult", content);
}

}  // namespace penstock
