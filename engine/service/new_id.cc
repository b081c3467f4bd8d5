#include "engine/service/new_id.h"

#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/core/error.h"

namespace penstock {

std::string new_id(WallTime now) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  constexpr int bits_a_digit = 5;
  std::array<unsigned char, 10> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw FatalError("the system gives no random numbers");

  std::string id(26, '0');
  auto millis = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (int i = 9; i >= 0; --i, millis >>= bits_a_digit)
    id[static_cast<std::size_t>(i)] = digits[millis & 31];
  std::uint64_t bits = 0;
  int held = 0;
  std::size_t at = 10;
  for (const unsigned char byte : random) {
    bits = bits << 8 | byte;
    for (held += 8; held >= bits_a_digit; held -= bits_a_digit)
      id[at++] = digits[bits >> (held - bits_a_digit) & 31];
  }
  return id;
}

}  // namespace penstock
