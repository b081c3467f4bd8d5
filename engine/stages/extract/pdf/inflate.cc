#include "engine/stages/extract/pdf/inflate.h"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <new>

namespace penstock::pdf {
namespace {

constexpr std::size_t header_bytes = 2;

// A zlib header (RFC 1950) without a preset dictionary.
bool has_header(std::span<const Byte> zlib) {
  return zlib.size() > header_bytes && (zlib[0] & 15) == 8 && (zlib[0] << 8 | zlib[1]) % 31 == 0 &&
         (zlib[1] & 32) == 0;
}

Inflater::End inflate_damaged(std::span<const Byte> zlib, std::size_t bytes_max, ByteBuffer& out) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  stream.next_in = const_cast<Byte*>(zlib.data());
  stream.avail_in = static_cast<uInt>(zlib.size());
  std::size_t written = 0;
  int status = Z_OK;
  while (status == Z_OK && written < bytes_max) {
    const std::size_t step = std::min(bytes_max - written, std::max<std::size_t>(written, 65536));
    out.reserve_more(step);
    stream.next_out = out.room().data();
    stream.avail_out = static_cast<uInt>(step);
    status = inflate(&stream, Z_SYNC_FLUSH);
    const std::size_t got = step - stream.avail_out;
    out.extend(got);
    written += got;
  }
  inflateEnd(&stream);
  if (status == Z_OK) return Inflater::End::too_large;
  return written > 0 || status == Z_STREAM_END ? Inflater::End::complete : Inflater::End::nothing;
}

}  // namespace

Inflater::Inflater() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

Inflater::~Inflater() {
  libdeflate_free_decompressor(decompressor_);
}

Inflater::End Inflater::inflate(std::span<const Byte> zlib, std::size_t bytes_max,
                                ByteBuffer& out) {
  if (has_header(zlib)) {
    // Text deflates to a quarter; what needs more room is done again with three times as much.
    for (std::size_t guess = std::max<std::size_t>(zlib.size() * 4, 65536);; guess *= 3) {
      guess = std::min(guess, bytes_max);
      out.reserve_more(guess);
      std::size_t written = 0;
      // Without header and check sum: a page with a wrong sum is still a page.
      const libdeflate_result result = libdeflate_deflate_decompress(
          decompressor_, zlib.data() + header_bytes, zlib.size() - header_bytes, out.room().data(),
          std::min(out.room().size(), bytes_max), &written);
      if (result == LIBDEFLATE_SUCCESS) {
        out.extend(written);
        return End::complete;
      }
      if (result != LIBDEFLATE_INSUFFICIENT_SPACE || guess == bytes_max) break;
    }
  }
  return inflate_damaged(zlib, bytes_max, out);
}

}  // namespace penstock::pdf
