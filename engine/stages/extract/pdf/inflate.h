// FlateDecode: libdeflate, which is twice as fast as zlib and takes whole streams only; zlib for
// what is damaged, to keep what can be read of it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "engine/stages/extract/pdf/byte_buffer.h"

struct libdeflate_decompressor;

namespace penstock::pdf {

// One thread.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class End {
    complete,   // or as much of a damaged stream as can be read
    nothing,    // not a zlib stream
    too_large,  // cut off at bytes_max
  };
  // Appends the inflated bytes to `out`, at most bytes_max of them.
  End inflate(std::span<const Byte> zlib, std::size_t bytes_max, ByteBuffer& out);

 private:
  libdeflate_decompressor* const decompressor_;
};

}  // namespace penstock::pdf
