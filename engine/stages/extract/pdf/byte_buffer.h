// Bytes that grow, without the zeros that std::vector writes first, and with room behind them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace penstock::pdf {

using Byte = std::uint8_t;

class ByteBuffer {
 public:
  // Scanners look ahead without asking whether they may: seal() puts a space behind the content,
  // and zeros, so that every token ends there.
  static constexpr std::size_t padding = 16;

  Byte* data() { return bytes_.get(); }
  const Byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data()), size_}; }

  void clear() { size_ = 0; }
  void truncate(std::size_t size) { size_ = std::min(size_, size); }
  // Room for so many more bytes; what is there stays.
  void reserve_more(std::size_t count) {
    if (size_ + count + padding <= capacity_) return;
    capacity_ = std::max(capacity_ * 2, size_ + count + padding);
    auto grown = std::make_unique_for_overwrite<Byte[]>(capacity_);
    if (size_ > 0) std::memcpy(grown.get(), bytes_.get(), size_);
    bytes_ = std::move(grown);
  }
  // What may be written behind the content, and then counted as content by extend().
  std::span<Byte> room() {
    return {bytes_.get() + size_, capacity_ > size_ + padding ? capacity_ - size_ - padding : 0};
  }
  void extend(std::size_t count) { size_ += count; }
  void append(std::span<const Byte> more) {
    if (more.empty()) return;
    reserve_more(more.size());
    std::memcpy(bytes_.get() + size_, more.data(), more.size());
    size_ += more.size();
  }
  void seal() {
    reserve_more(0);
    std::memset(bytes_.get() + size_, 0, padding);
    bytes_[size_] = ' ';
  }

 private:
  std::unique_ptr<Byte[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock::pdf
