#include "engine/backends/redis/budget_terms.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <utility>

namespace penstock {
namespace {

constexpr std::string_view before_share = " interactive share ";

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last;
}

// Takes what is behind the last separator off the text; the whole text if there is none.
std::string_view take_last(std::string_view& text, char separator) {
  const std::size_t at = text.rfind(separator);
  const std::string_view last = at == std::string_view::npos ? text : text.substr(at + 1);
  text = at == std::string_view::npos ? std::string_view() : text.substr(0, at);
  return last;
}

}  // namespace

std::string shortest_text(double number) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  assert(error == std::errc());
  return {digits.data(), end};
}

std::string to_text(const BudgetTerms& terms) {
  std::string text = terms.endpoint;
  for (const KeyQuota& key : terms.keys)
    text += ' ' + key.name + ':' + std::to_string(key.requests_per_minute) + ':' +
            std::to_string(key.tokens_per_minute);
  return text + std::string(before_share) + shortest_text(terms.interactive_share);
}

std::optional<BudgetTerms> parse_budget_terms(std::string_view text) {
  BudgetTerms terms;
  const std::size_t share = text.rfind(before_share);
  if (share == std::string_view::npos ||
      !parse(text.substr(share + before_share.size()), terms.interactive_share))
    return std::nullopt;
  text = text.substr(0, share);
  const std::size_t endpoint_end = text.find(' ');
  if (endpoint_end == std::string_view::npos) return std::nullopt;
  terms.endpoint = text.substr(0, endpoint_end);
  text.remove_prefix(endpoint_end + 1);
  while (!text.empty()) {
    std::string_view words = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), words.size() + 1));
    KeyQuota key;
    if (!parse(take_last(words, ':'), key.tokens_per_minute) ||
        !parse(take_last(words, ':'), key.requests_per_minute) || words.empty())
      return std::nullopt;
    key.name = words;
    terms.keys.push_back(std::move(key));
  }
  if (terms.keys.empty()) return std::nullopt;
  return terms;
}

}  // namespace penstock
