// The vectorized part is the method of Wojciech Muła and Daniel Lemire, "Faster Base64 Encoding and
// Decoding Using AVX2 Instructions" (ACM Transactions on the Web, 2018): characters are checked by
// two table look-ups on their nibbles, become 6-bit values by a third, and are packed by two
// multiply-adds.

#include "engine/backends/openai/base64.h"

#include <array>
#include <cassert>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penstock {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Above 6 bits, so that one test of four values ored together finds it.
constexpr std::uint8_t not_base64 = 0x80;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_base64);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}

constexpr std::array<std::uint8_t, 256> values = make_values();

std::uint32_t value_of(char c) {
  return values[static_cast<unsigned char>(c)];
}

std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

#if defined(__x86_64__)
struct Progress {
  std::size_t characters = 0;
  std::size_t bytes = 0;
};

// Decodes 32 characters to 24 bytes at a time for as long as 32 bytes may be written, up to the
// first 32 characters that are not all of the alphabet.
__attribute__((target("avx2"))) Progress decode_avx2(std::string_view text,
                                                     std::span<std::byte> bytes) {
  // By the high nibble a character is of one of five classes, a bit each: 2x, 3x, 4x and 6x,
  // 5x and 7x, all others. By the low nibble, the classes in which it is no base64.
  const __m256i class_of_high =
      _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10,
                       0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
                       0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  const __m256i bad_by_low =
      _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B,
                       0x1B, 0x1B, 0x1A, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                       0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
  // What to add to a character to get its value, by its high nibble; '/' stands one before '+'.
  const __m256i to_value =
      _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0,  //
                       0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i low_nibble = _mm256_set1_epi8(0x0F);
  const __m256i slash = _mm256_set1_epi8('/');
  // Big-endian groups of 24 bits, to be gathered in the low 12 bytes of each half.
  const __m256i gather =
      _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,  //
                       2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
  const __m256i join_halves = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);

  Progress done;
  while (text.size() - done.characters >= 32 && bytes.size() - done.bytes >= 32) {
    const __m256i characters =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + done.characters));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi32(characters, 4), low_nibble);
    const __m256i low = _mm256_and_si256(characters, low_nibble);
    const __m256i classes = _mm256_shuffle_epi8(class_of_high, high);
    const __m256i bad = _mm256_shuffle_epi8(bad_by_low, low);
    if (_mm256_testz_si256(classes, bad) == 0) break;
    const __m256i is_slash = _mm256_cmpeq_epi8(characters, slash);  // -1 where it is
    const __m256i sextets =
        _mm256_add_epi8(characters, _mm256_shuffle_epi8(to_value, _mm256_add_epi8(high, is_slash)));
    const __m256i pairs = _mm256_maddubs_epi16(sextets, _mm256_set1_epi32(0x01400140));
    const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    const __m256i packed =
        _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, gather), join_halves);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes.data() + done.bytes), packed);
    done.characters += 32;
    done.bytes += 24;
  }
  return done;
}

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#endif

}  // namespace

std::optional<std::size_t> base64_decoded_size(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  return text.size() / 4 * 3 - padding_of(text);
}

bool decode_base64_scalar(std::string_view text, std::span<std::byte> bytes) {
  assert(base64_decoded_size(text) == bytes.size());
  const std::size_t padding = padding_of(text);
  const std::size_t whole = text.size() - (padding > 0 ? 4 : 0);
  std::byte* to = bytes.data();
  for (std::size_t at = 0; at < whole; at += 4) {
    const std::uint32_t a = value_of(text[at]);
    const std::uint32_t b = value_of(text[at + 1]);
    const std::uint32_t c = value_of(text[at + 2]);
    const std::uint32_t d = value_of(text[at + 3]);
    if (((a | b | c | d) & not_base64) != 0) return false;
    const std::uint32_t three = a << 18 | b << 12 | c << 6 | d;
    *to++ = static_cast<std::byte>(three >> 16);
    *to++ = static_cast<std::byte>(three >> 8);
    *to++ = static_cast<std::byte>(three);
  }
  if (padding == 0) return true;
  const std::uint32_t a = value_of(text[whole]);
  const std::uint32_t b = value_of(text[whole + 1]);
  const std::uint32_t c = padding == 1 ? value_of(text[whole + 2]) : 0;
  if (((a | b | c) & not_base64) != 0) return false;
  const std::uint32_t three = a << 18 | b << 12 | c << 6;
  *to++ = static_cast<std::byte>(three >> 16);
  if (padding == 1) *to++ = static_cast<std::byte>(three >> 8);
  return (three & (padding == 1 ? 0xFF : 0xFFFF)) == 0;
}

bool decode_base64(std::string_view text, std::span<std::byte> bytes) {
#if defined(__x86_64__)
  if (has_avx2()) {
    const Progress done = decode_avx2(text, bytes);
    text.remove_prefix(done.characters);
    bytes = bytes.subspan(done.bytes);
  }
#endif
  return decode_base64_scalar(text, bytes);
}

}  // namespace penstock
