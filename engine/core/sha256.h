// SHA-256 (FIPS 180-4), the identity of contents and keys.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
// HMAC (RFC 2104) of SHA-256.
Sha256 hmac_sha256(std::string_view key, std::string_view message);

// Lower-case hexadecimal of any byte range.
std::string to_hex(std::string_view bytes);

}  // namespace penstock
