// MD5 (RFC 1321): no identity of anything, but what object stores check contents by.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock {

using Md5 = std::array<std::uint8_t, 16>;

Md5 md5(std::string_view bytes);

}  // namespace penstock
