// How S3 tells whether a content is whole.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/http/http_headers.h"

namespace penstock {

// As headers carry it.
std::string base64_of(std::span<const std::uint8_t> digest);

enum class ChecksumVerdict {
  none,  // the answer has nothing to check by
  right,
  wrong,
  right_by_etag,    // the ETag is the content's MD5
  differs_by_etag,  // the ETag looks like an MD5, but is not that of the content
};

// Of the whole content by the headers of the answer that brought it: a SHA-256 or CRC-32 of it, or
// else the ETag. An ETag is an MD5 only of what was written in one piece and is not encrypted, and
// only at services that make it so.
ChecksumVerdict check_content(std::string_view content, const HttpHeaders& headers);

}  // namespace penstock
