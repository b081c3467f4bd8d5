// The bytes of one HTTP/1 answer, part by part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/http/http_headers.h"

namespace penstock {

// Steps that come when they make no sense any more, such as a second answer, do nothing. One thread
// at a time.
class Answer {
 public:
  // To no request yet.
  Answer() = default;
  // To a request that was a HEAD, spoke HTTP/1.1 (or else 1.0), wants the connection kept.
  Answer(bool is_head, bool is_http_1_1, bool keep_alive)
      : is_head_(is_head),
        is_http_1_1_(is_http_1_1),
        is_to_keep_(keep_alive),
        keep_alive_(keep_alive) {}

  // As in Responder.
  void respond(int status, std::string_view reason, const HttpHeaders& headers, std::string body);
  void begin(int status, std::string_view reason, const HttpHeaders& headers,
             std::optional<std::uint64_t> length);
  void write(std::string part);
  void finish();
  // No other request follows on this connection; an answer that has not begun says so.
  void close_after() { keep_alive_ = false; }
  // One may follow after all, if the request wants that and the answer has not begun.
  void keep_open() {
    if (state_ == State::none) keep_alive_ = is_to_keep_;
  }
  // Nobody will go on with it.
  void drop();

  // What there is to send since the last call.
  std::vector<std::string> take_parts() { return std::exchange(parts_, {}); }
  bool has_parts() const { return !parts_.empty(); }
  // No more parts will come.
  bool is_whole() const { return state_ == State::whole; }
  // Whether another request can follow, once it is whole.
  bool keeps_alive() const { return keep_alive_; }

 private:
  enum class State { none, begun, whole };

  bool is_head_ = false;
  bool is_http_1_1_ = true;
  bool is_to_keep_ = false;  // as the request wants it
  bool keep_alive_ = false;
  State state_ = State::none;
  bool is_chunked_ = false;
  std::optional<std::uint64_t> bytes_missing_;  // of the length that was promised
  std::vector<std::string> parts_;
};

}  // namespace penstock
