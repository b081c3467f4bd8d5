#include "engine/http/answer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

namespace penstock {
namespace {

// What a client named may be in a value, and would end the header.
std::string one_line(std::string value) {
  std::ranges::replace_if(
      value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return value;
}

}  // namespace

void Answer::respond(int status, std::string_view reason, const HttpHeaders& headers,
                     std::string body) {
  if (state_ != State::none) return;
  begin(status, reason, headers, body.size());
  if (!body.empty()) write(std::move(body));
  finish();
}

void Answer::begin(int status, std::string_view reason, const HttpHeaders& headers,
                   std::optional<std::uint64_t> length) {
  if (state_ != State::none) return;
  state_ = State::begun;
  bytes_missing_ = length;
  std::string text = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason) + "\r\n";
  for (const auto& [name, value] : headers)
    text.append(name).append(": ").append(one_line(value)).append("\r\n");
  is_chunked_ = !length && is_http_1_1_;
  if (length)
    text += "Content-Length: " + std::to_string(*length) + "\r\n";
  else if (is_chunked_)
    text += "Transfer-Encoding: chunked\r\n";
  else
    keep_alive_ = false;  // HTTP/1.0: the end of the connection is the end of the answer
  if (!keep_alive_)
    text += "Connection: close\r\n";
  else if (!is_http_1_1_)
    text += "Connection: keep-alive\r\n";
  parts_.push_back(text + "\r\n");
}

void Answer::write(std::string part) {
  // An empty chunk would be the last one.
  if (state_ != State::begun || part.empty()) return;
  assert(!bytes_missing_ || part.size() <= *bytes_missing_);
  if (bytes_missing_) *bytes_missing_ -= part.size();
  if (is_head_) return;
  if (!is_chunked_) return parts_.push_back(std::move(part));
  std::array<char, 18> size{};
  char* end = std::to_chars(size.data(), size.data() + 16, part.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  part += "\r\n";
  parts_.emplace_back(size.data(), end);
  parts_.push_back(std::move(part));
}

void Answer::finish() {
  if (state_ != State::begun) return;
  if (is_chunked_ && !is_head_) parts_.push_back("0\r\n\r\n");
  // An answer that is shorter than promised ends with the connection.
  if (!is_head_ && bytes_missing_.value_or(0) > 0) keep_alive_ = false;
  state_ = State::whole;
}

void Answer::drop() {
  if (state_ == State::whole) return;
  keep_alive_ = false;
  state_ = State::whole;
}

}  // namespace penstock
