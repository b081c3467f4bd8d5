// The documents that S3 answers with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/emulate/s3_objects.h"
#include "loadgen/emulate/s3_signature.h"
#include "loadgen/emulate/s3_target.h"
#include "loadgen/emulate/s3_uploads.h"

namespace penstock {

std::string s3_error_xml(const S3Refusal& refusal, std::string_view resource);

struct S3ListedKey {
  std::string key;
  StoredObject object;
};

struct S3ListedPage {
  std::vector<S3ListedKey> objects;
  std::string next;  // token; empty: the last page
};

std::string listing_xml(const S3Target& target, const S3ListedPage& page, std::size_t keys_max);
std::string upload_xml(const S3Target& target, const std::string& id);
std::string completed_xml(const S3Target& target, const std::string& etag);
std::string parts_xml(const S3Target& target, const std::string& id, const S3PendingUpload& upload,
                      std::uint32_t after, std::size_t parts_max);
std::string uploads_xml(const S3Target& target, const S3Uploads& uploads);

// As headers have it: Wed, 25 Nov 2026 10:00:00 GMT.
std::string http_time(std::time_t time);

}  // namespace penstock
