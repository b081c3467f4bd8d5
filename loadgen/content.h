// A document as it is sent: parts that lie wherever they lie, and may be parts of others, too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace penstock {

struct Content {
  std::string media_type;
  std::vector<std::span<const char>> parts;
  std::uint64_t bytes = 0;            // of all parts
  std::shared_ptr<const void> owner;  // of what the parts show
  std::string phrase;                 // finds it by search; empty: nothing does for certain
};

// The same for the same arguments: of the arrival's number and its kind. One thread at a time.
using ContentOf = std::function<Content(std::uint64_t number, std::uint32_t kind)>;

}  // namespace penstock
