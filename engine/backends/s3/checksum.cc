#include "engine/backends/s3/checksum.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>

#include "engine/backends/s3/s3_listing.h"
#include "engine/core/md5.h"
#include "engine/core/sha256.h"

namespace penstock {
namespace {

std::array<std::uint8_t, 4> crc32_of(std::string_view bytes) {
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return {static_cast<std::uint8_t>(crc >> 24), static_cast<std::uint8_t>(crc >> 16),
          static_cast<std::uint8_t>(crc >> 8), static_cast<std::uint8_t>(crc)};
}

// What is made of the checksums of its parts has "-PARTS" behind it.
std::optional<std::string_view> whole_checksum(const HttpHeaders& headers, std::string_view name) {
  const auto value = headers.find(name);
  if (!value || value->find('-') != std::string_view::npos) return std::nullopt;
  return value;
}

bool is_encrypted(const HttpHeaders& headers) {
  return headers.find("x-amz-server-side-encryption-customer-algorithm") ||
         headers.find("x-amz-server-side-encryption").value_or("").starts_with("aws:kms");
}

bool looks_like_md5(std::string_view etag) {
  return etag.size() == 32 && std::ranges::all_of(etag, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::string base64_of(std::span<const std::uint8_t> digest) {
  std::string text((digest.size() + 2) / 3 * 4 + 1, '\0');  // it ends with a NUL
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), digest.data(),
                                     static_cast<int>(digest.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

ChecksumVerdict check_content(std::string_view content, const HttpHeaders& headers) {
  const auto verdict = [](bool is_right) {
    return is_right ? ChecksumVerdict::right : ChecksumVerdict::wrong;
  };
  if (const auto expected = whole_checksum(headers, "x-amz-checksum-sha256"))
    return verdict(*expected == base64_of(sha256(content)));
  if (const auto expected = whole_checksum(headers, "x-amz-checksum-crc32"))
    return verdict(*expected == base64_of(crc32_of(content)));
  const std::string_view etag = unquoted(headers.find("ETag").value_or(""));
  if (!looks_like_md5(etag) || is_encrypted(headers)) return ChecksumVerdict::none;
  return etag == to_hex(md5(content)) ? ChecksumVerdict::right_by_etag
                                      : ChecksumVerdict::differs_by_etag;
}

}  // namespace penstock
