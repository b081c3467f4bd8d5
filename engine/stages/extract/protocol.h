// What the pool and an extraction child say to each other: fixed structs over one SOCK_SEQPACKET
// pair, a document's memory file as a passed descriptor, text through a memory file of fixed size
// that both map. Parent and child are the same program, so layout and byte order agree. The child
// is not trusted: the parent checks every field before it believes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace penstock::extractor_protocol {

// The child's descriptors.
inline constexpr int socket_fd = 3;
inline constexpr int output_fd = 4;

// The first argument of a process that is to be a child; the next ones are the parent's process id,
// the memory limit in bytes, and the name of the extractor.
inline constexpr const char* child_argument = "extractor-child";

// Of the output memory, which costs memory only where it was written.
inline constexpr std::size_t output_bytes = 64 << 20;
inline constexpr std::uint32_t pages_per_range_max = 256;

enum class Message : std::uint32_t { ready = 1, refused, request, reply };

// Parent to child. The document's descriptor comes with the first request about a document.
struct Request {
  Message message = Message::request;
  std::uint32_t first_page = 0;
  std::uint64_t document = 0;  // a number that names it
  std::uint32_t page_count = 0;
};

// Child to parent: `ready` or `refused` once, then a `reply` for each request.
struct Reply {
  Message message = Message::reply;
  std::uint32_t outcome = 0;
  std::uint64_t document = 0;
  std::uint32_t pages_total = 0;
  std::uint32_t pages_done = 0;
  std::uint64_t text_bytes = 0;  // in the output memory, from its start
  std::int32_t landlock_abi = 0;
  std::uint32_t seccomp = 0;
  std::array<char, 256> text{};  // message; NUL-terminated
  std::array<std::uint32_t, pages_per_range_max> page_ends{};
};

// Whether a child may truthfully say this to that request: its numbers are possible, and agree with
// the number of pages it told before. What it says of the text itself is not looked at.
bool is_plausible(const Reply& reply, const Request& request,
                  const std::optional<std::uint32_t>& pages_total);

}  // namespace penstock::extractor_protocol
