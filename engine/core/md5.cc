#include "engine/core/md5.h"

#include <openssl/evp.h>

#include <cassert>

namespace penstock {

Md5 md5(std::string_view bytes) {
  Md5 digest;
  unsigned length = 0;
  [[maybe_unused]] const int ok =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_md5(), nullptr);
  assert(ok == 1 && length == digest.size());
  return digest;
}

}  // namespace penstock
