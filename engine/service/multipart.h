// multipart/form-data (RFC 7578), piece by piece: what is held is less than a part's head, or a
// boundary.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/error.h"

namespace penstock {

struct FormPart {
  std::string name;
  std::string file_name;   // as the client spelled it, without folders; may be empty
  std::string media_type;  // may be empty
};

// Of a Content-Type; absent: it is not that of a form, or has no usable boundary.
std::optional<std::string> form_boundary(std::string_view content_type);

class MultipartParser {
 public:
  // Called within feed(), in order: a part, and then its bytes in some pieces.
  struct Events {
    std::function<Result<void>(const FormPart&)> on_part;
    std::function<Result<void>(std::string_view)> on_bytes;
  };

  MultipartParser(const std::string& boundary, Events events);

  // The next bytes of the body. An error is that of the form, which names what is wrong with it, or
  // of an event; after one it is of no use.
  Result<void> feed(std::string_view bytes);
  // That was all; an error if the form is not.
  Result<void> finish() const;

 private:
  enum class State { preamble, boundary, head, bytes, end };

  // Whether it got on without more bytes.
  Result<bool> step();
  Result<bool> pass_bytes();
  Result<bool> read_boundary();
  Result<bool> read_head();

  const std::string delimiter_;  // with the line break in front of it
  const Events events_;
  State state_ = State::preamble;
  std::string held_ = "\r\n";  // not looked at yet; the first boundary needs no line before it
};

}  // namespace penstock
