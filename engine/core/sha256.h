// SHA-256 (FIPS 180-4), the identity of contents and keys.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);

// Lower-case hexadecimal of any byte range.
std::string to_hex(std::string_view bytes);

}  // namespace penstock
