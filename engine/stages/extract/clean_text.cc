#include "engine/stages/extract/clean_text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <cassert>
#include <cstdint>

namespace penstock {
namespace {

// Bytes that are copied as they are, wherever they stand.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (int c = '!'; c <= '~'; ++c) plain[static_cast<std::size_t>(c)] = c != '-';
  return plain;
}

constexpr std::array<bool, 256> plain_bytes = make_plain();

std::string_view ligature(UChar32 code) {
  constexpr std::array<std::string_view, 7> letters = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};
  return letters[static_cast<std::size_t>(code - 0xFB00)];
}

bool is_unwanted(UChar32 code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xFEFF ||
         (code >= 0xE000 && code <= 0xF8FF) || code >= 0xF0000 || U_IS_UNICODE_NONCHAR(code);
}

// Poppler wraps right-to-left lines in these; the letters' own directions say the same.
bool is_direction_mark(UChar32 code) {
  return code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

class Cleaner {
 public:
  Cleaner(std::string_view raw, TextKind kind, std::string& out)
      : bytes_(reinterpret_cast<const std::uint8_t*>(raw.data())),
        size_(static_cast<std::int32_t>(raw.size())),
        raw_(raw),
        typeset_(kind == TextKind::typeset),
        out_(out),
        begin_(out.size()) {}

  // Whether anything beyond ASCII was written.
  bool run() {
    while (at_ < size_) {
      const std::int32_t run_begin = at_;
      while (at_ < size_ && plain_bytes[bytes_[at_]]) ++at_;
      out_.append(raw_.substr(static_cast<std::size_t>(run_begin),
                              static_cast<std::size_t>(at_ - run_begin)));
      if (at_ < size_) take_special();
    }
    while (out_.size() > begin_ &&
           (out_.back() == '\n' || out_.back() == ' ' || out_.back() == '\t'))
      out_.pop_back();
    if (out_.size() > begin_) out_ += '\n';
    return beyond_ascii_;
  }

 private:
  void take_special() {
    const std::uint8_t byte = bytes_[at_];
    if (byte == ' ' || byte == '\t') {
      out_ += static_cast<char>(byte);
      ++at_;
    } else if (byte == '\n' || byte == '\r' || byte == '\f') {
      ++at_;
      if (byte == '\r' && at_ < size_ && bytes_[at_] == '\n') ++at_;
      end_line();
    } else if (byte == '-') {
      ++at_;
      if (!joins_lines()) out_ += '-';
    } else if (byte < 0x80) {
      ++at_;  // a control character
    } else {
      take_wide();
    }
  }

  void take_wide() {
    const std::int32_t begin = at_;
    UChar32 code;
    U8_NEXT(bytes_, at_, size_, code);
    if (code == 0x85 || code == 0x2028 || code == 0x2029) {
      end_line();
    } else if (code < 0) {
      out_ += "\uFFFD";
      beyond_ascii_ = true;
    } else if (is_unwanted(code) || (typeset_ && is_direction_mark(code))) {
      // Dropped.
    } else if (code == 0xAD) {
      // A soft hyphen shows at a line's end only, where it joins the two; elsewhere it is nothing.
      static_cast<void>(joins_lines());
    } else if (typeset_ && code == 0x2010 && joins_lines()) {
      // A hyphen by its own code, between the halves of a word.
    } else if (typeset_ && code >= 0xFB00 && code <= 0xFB06) {
      out_ += ligature(code);
    } else {
      out_.append(
          raw_.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(at_ - begin)));
      beyond_ascii_ = true;
    }
  }

  void end_line() {
    while (out_.size() > begin_ && (out_.back() == ' ' || out_.back() == '\t')) out_.pop_back();
    const std::size_t length = out_.size() - begin_;
    if (length == 0 || (length >= 2 && out_.ends_with("\n\n"))) return;
    out_ += '\n';
  }

  // Just behind a hyphen: if it parts a word at a line's end, moves on to the word's other half.
  bool joins_lines() {
    if (!typeset_ || out_.size() == begin_ || !ends_with_letter()) return false;
    std::int32_t next = at_;
    while (next < size_ && bytes_[next] == ' ') ++next;
    if (next < size_ && bytes_[next] == '\r') ++next;
    if (next >= size_ || bytes_[next] != '\n') return false;
    ++next;
    while (next < size_ && bytes_[next] == ' ') ++next;
    if (next >= size_) return false;
    const std::int32_t second_half = next;
    UChar32 code;
    U8_NEXT(bytes_, next, size_, code);
    if (code < 0 || !u_islower(code)) return false;
    if (word_has_hyphen()) out_ += '-';
    at_ = second_half;
    return true;
  }

  bool ends_with_letter() const {
    const auto* end = reinterpret_cast<const std::uint8_t*>(out_.data());
    auto at = static_cast<std::int32_t>(out_.size());
    UChar32 code;
    U8_PREV(end, static_cast<std::int32_t>(begin_), at, code);
    return code >= 0 && u_isalpha(code);
  }

  bool word_has_hyphen() const {
    const std::size_t start = out_.find_last_of(" \t\n");
    const std::size_t from = start == std::string::npos || start < begin_ ? begin_ : start;
    return out_.find('-', from) != std::string::npos;
  }

  const std::uint8_t* const bytes_;
  const std::int32_t size_;
  const std::string_view raw_;
  const bool typeset_;
  std::string& out_;
  const std::size_t begin_;  // of this page in out_
  std::int32_t at_ = 0;
  bool beyond_ascii_ = false;
};

// Composes `utf8` from `begin` on.
void normalize(std::string& utf8, std::size_t begin) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  assert(U_SUCCESS(status));  // the data is part of the library
  const icu::StringPiece page(utf8.data() + begin, static_cast<std::int32_t>(utf8.size() - begin));
  if (nfc->isNormalizedUTF8(page, status)) return;
  std::string composed;
  icu::StringByteSink<std::string> sink(&composed);
  nfc->normalizeUTF8(0, page, sink, nullptr, status);
  utf8.resize(begin);
  utf8 += composed;
}

}  // namespace

void append_clean_page(std::string_view raw, TextKind kind, std::string& utf8) {
  const std::size_t begin = utf8.size();
  if (Cleaner(raw, kind, utf8).run()) normalize(utf8, begin);
}

}  // namespace penstock
