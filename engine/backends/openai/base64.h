// Base64 (RFC 4648, section 4) as embedding services send float32 in it: strict, and as fast as the
// memory it is read from.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace penstock {

// How many bytes the text stands for, by its length and its padding; absent: no base64 is so long.
std::optional<std::size_t> base64_decoded_size(std::string_view text);

// Decodes into exactly base64_decoded_size(text) bytes. False if the text is not base64: another
// character, padding within, or bits behind the last byte that are not zero; the bytes are
// unspecified then.
bool decode_base64(std::string_view text, std::span<std::byte> bytes);

// The same without vector instructions: what any machine can do, and what the fast one is tested
// against.
bool decode_base64_scalar(std::string_view text, std::span<std::byte> bytes);

}  // namespace penstock
