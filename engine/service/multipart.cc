#include "engine/service/multipart.h"

#include <algorithm>
#include <utility>

#include "engine/core/uri.h"
#include "engine/http/http_headers.h"

namespace penstock {
namespace {

constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046, 5.1.1
constexpr std::size_t head_bytes_max = 8 << 10;
// Blanks that a transport may have added behind a boundary.
constexpr std::size_t padding_bytes_max = 64;

tl::unexpected<Error> malformed(const char* what) {
  return permanent_error(std::string("the form is malformed: ") + what);
}

// The value of a parameter such as name="..." or boundary=..., behind the header's first ';'.
// Absent: there is none of this name.
std::optional<std::string> parameter(std::string_view header, std::string_view wanted) {
  std::size_t at = header.find(';');
  while (at < header.size()) {
    const std::size_t begin = std::min(header.find_first_not_of("; \t", at), header.size());
    const std::size_t equals = header.find('=', begin);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name = lower_case(without_blanks(header.substr(begin, equals - begin)));
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size() &&
            (header[at + 1] == '"' || header[at + 1] == '\\'))
          ++at;
        value += header[at];
      }
      at = header.find(';', at);
    } else {
      const std::size_t end = std::min(header.find(';', at), header.size());
      value = without_blanks(header.substr(at, end - at));
      at = end;
    }
    if (name == wanted) return value;
  }
  return std::nullopt;
}

// Some clients send a whole path.
std::string without_folders(const std::string& name) {
  return name.substr(name.find_last_of("/\\") + 1);
}

std::string file_name_in(std::string_view disposition) {
  if (const auto extended = parameter(disposition, "filename*")) {
    const std::size_t quote = extended->rfind('\'');
    if (quote != std::string::npos)
      if (const auto decoded = uri_decoded(std::string_view(*extended).substr(quote + 1)))
        return without_folders(*decoded);
  }
  return without_folders(parameter(disposition, "filename").value_or(""));
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  const std::string type = lower_case(without_blanks(
      content_type.substr(0, std::min(content_type.find(';'), content_type.size()))));
  if (type != "multipart/form-data") return std::nullopt;
  std::optional<std::string> boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > boundary_bytes_max) return std::nullopt;
  return boundary;
}

MultipartParser::MultipartParser(const std::string& boundary, Events events)
    : delimiter_("\r\n--" + boundary), events_(std::move(events)) {}

Result<void> MultipartParser::feed(std::string_view bytes) {
  held_.append(bytes);
  for (;;) {
    const Result<bool> stepped = step();
    if (!stepped) return pass_on(stepped.error());
    if (!*stepped) return {};
  }
}

Result<void> MultipartParser::finish() const {
  if (state_ != State::end) return malformed("it ends before its last boundary");
  return {};
}

Result<bool> MultipartParser::step() {
  switch (state_) {
    case State::preamble:
    case State::bytes:
      return pass_bytes();
    case State::boundary:
      return read_boundary();
    case State::head:
      return read_head();
    case State::end:
      held_.clear();  // an epilogue, which means nothing
      return false;
  }
  return false;
}

Result<bool> MultipartParser::pass_bytes() {
  const std::size_t found = held_.find(delimiter_);
  const bool is_found = found != std::string::npos;
  // The end of what is held may be a boundary's beginning.
  const std::size_t passed =
      is_found ? found : held_.size() - std::min(held_.size(), delimiter_.size() - 1);
  if (state_ == State::bytes && passed > 0) {
    const Result<void> taken = events_.on_bytes(std::string_view(held_).substr(0, passed));
    if (!taken) return pass_on(taken.error());
  }
  held_.erase(0, is_found ? found + delimiter_.size() : passed);
  if (is_found) state_ = State::boundary;
  return is_found;
}

Result<bool> MultipartParser::read_boundary() {
  if (held_.starts_with("--")) {
    state_ = State::end;
    return true;
  }
  const std::size_t text = std::min(held_.find_first_not_of(" \t"), held_.size());
  if (text > padding_bytes_max) return malformed("a boundary has no line of its own");
  if (held_.size() - text < 2) return false;
  if (held_.compare(text, 2, "\r\n") != 0) return malformed("a boundary has no line of its own");
  // The line break stays: a head may be empty, and then its end follows at once.
  held_.erase(0, text);
  state_ = State::head;
  return true;
}

Result<bool> MultipartParser::read_head() {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  const std::size_t end = held_.find(end_of_head);
  // However the bytes are cut: what is held may end in all but the last byte of a head's end.
  const std::size_t head_bytes =
      std::min(end, held_.size() - std::min(held_.size(), end_of_head.size() - 1));
  if (head_bytes > head_bytes_max) return malformed("a part's head is too long");
  if (end == std::string::npos) return false;
  FormPart part;
  std::string_view head(held_.data(), end);
  while (!head.empty()) {
    head.remove_prefix(2);  // the line break in front
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size());
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      return malformed("a part's head has a line without a colon");
    const std::string name = lower_case(without_blanks(line.substr(0, colon)));
    const std::string_view value = without_blanks(line.substr(colon + 1));
    if (name == "content-disposition") {
      part.name = parameter(value, "name").value_or("");
      part.file_name = file_name_in(value);
    } else if (name == "content-type") {
      part.media_type = value;
    }
  }
  held_.erase(0, end + end_of_head.size());
  state_ = State::bytes;
  const Result<void> taken = events_.on_part(part);
  if (!taken) return pass_on(taken.error());
  return true;
}

}  // namespace penstock
