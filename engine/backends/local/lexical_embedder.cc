// A text becomes a bag of terms: its words, in lower case and without a plural s, and its pairs of
// neighbouring words; in scripts without spaces, its pairs of neighbouring characters. Each term
// adds (1 + ln count) x weight to one dimension that its hash names, with a sign that its hash
// names (feature hashing: Weinberger et al., 2009; the signs make collisions cancel in the mean).

#include "engine/backends/local/lexical_embedder.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_set>
#include <utility>

namespace penstock {
namespace {

constexpr float word_weight = 1.0f;
constexpr float pair_weight = 0.5f;
// Words that stand in every English text say little about this one.
constexpr float function_word_weight = 0.1f;

constexpr std::string_view function_words[] = {
    "a",     "about", "after", "all",   "also", "an",    "and",   "any",   "are",  "as",
    "at",    "be",    "been",  "but",   "by",   "can",   "could", "do",    "each", "for",
    "from",  "had",   "has",   "have",  "he",   "her",   "his",   "how",   "i",    "if",
    "in",    "into",  "is",    "it",    "its",  "may",   "more",  "most",  "no",   "not",
    "of",    "on",    "one",   "only",  "or",   "other", "our",   "out",   "she",  "should",
    "so",    "some",  "such",  "than",  "that", "the",   "their", "them",  "then", "there",
    "these", "they",  "this",  "those", "to",   "up",    "us",    "was",   "we",   "were",
    "what",  "when",  "where", "which", "who",  "will",  "with",  "would", "you",  "your"};

constexpr std::uint64_t hash_start = 0xCBF29CE484222325;  // FNV-1a

std::uint64_t add_byte(std::uint64_t hash, unsigned char byte) {
  return (hash ^ byte) * 0x100000001B3;
}

std::uint64_t add_code(std::uint64_t hash, UChar32 code) {
  for (int shift = 0; shift < 24; shift += 8)
    hash = add_byte(hash, static_cast<unsigned char>(code >> shift));
  return hash;
}

// Spreads FNV's weak high bits (the finalizer of splitmix64).
std::uint64_t finish(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
  return hash ^ (hash >> 31);
}

std::uint64_t hash_of(std::string_view word) {
  std::uint64_t hash = hash_start;
  for (const char c : word) hash = add_byte(hash, static_cast<unsigned char>(c));
  return hash;
}

bool is_function_word(std::uint64_t hash) {
  static const std::unordered_set<std::uint64_t> hashes = [] {
    std::unordered_set<std::uint64_t> all;
    for (const std::string_view word : function_words) all.insert(hash_of(word));
    return all;
  }();
  return hashes.contains(hash);
}

bool is_spaceless(UChar32 code) {
  return (code >= 0x0E00 && code <= 0x109F) || (code >= 0x1780 && code <= 0x17FF) ||
         (code >= 0x2E80 && code <= 0xA4CF) || (code >= 0xAC00 && code <= 0xD7AF) ||
         (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x20000 && code <= 0x3FFFF);
}

// The lower-case letter or digit of an ASCII byte, 0 for everything else.
constexpr std::array<unsigned char, 128> make_ascii_terms() {
  std::array<unsigned char, 128> terms{};
  for (unsigned c = 0; c < terms.size(); ++c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) terms[c] = static_cast<unsigned char>(c);
    if (c >= 'A' && c <= 'Z') terms[c] = static_cast<unsigned char>(c + 32);
  }
  return terms;
}

constexpr std::array<unsigned char, 128> ascii_terms = make_ascii_terms();

// Terms and how often they occur: an open-addressing table that is kept from text to text, so that
// a word costs no allocation. Terms keep the order in which they were met, so sums are repeatable.
class TermCounts {
 public:
  struct Term {
    std::uint64_t hash;
    float weight;
    std::uint32_t count;
  };

  // Room for a text of so many bytes, which has at most as many words and as many pairs.
  void clear_for(std::size_t bytes) {
    terms_.clear();
    std::size_t slots = 1024;
    while (slots < bytes) slots *= 2;
    slots_.assign(slots, 0);
  }

  void add(std::uint64_t hash, float weight) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at] != 0 && terms_[slots_[at] - 1].hash != hash) at = (at + 1) & mask;
    if (slots_[at] == 0) {
      terms_.push_back({hash, weight, 0});
      slots_[at] = static_cast<std::uint32_t>(terms_.size());
    }
    ++terms_[slots_[at] - 1].count;
  }

  const std::vector<Term>& terms() const { return terms_; }

 private:
  std::vector<Term> terms_;
  std::vector<std::uint32_t> slots_;  // index of the term + 1, or 0
};

// Feeds a text's words and pairs to `counts`.
class TermReader {
 public:
  explicit TermReader(TermCounts& counts) : counts_(counts) {}

  void read(std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    const auto length = static_cast<std::int32_t>(text.size());
    for (std::int32_t at = 0; at < length;) {
      if (bytes[at] < 0x80) {
        const unsigned char term = ascii_terms[bytes[at++]];
        if (term == 0) {
          end_word();
        } else {
          add_to_word(add_byte(hash_, term), term);
        }
        continue;
      }
      UChar32 code;
      U8_NEXT(bytes, at, length, code);
      if (code < 0 || !u_isalnum(code)) {
        // A mark (an accent, a vowel sign) belongs to the letter before it.
        if (code >= 0 && (U_GET_GC_MASK(code) & U_GC_M_MASK) != 0 && length_ > 0) {
          add_to_word(add_code(hash_, code), 0);
        } else {
          end_word();
        }
      } else if (is_spaceless(code)) {
        if (length_ > 0) end_word();
        add_spaceless(code);
      } else {
        add_to_word(add_code(hash_, u_foldCase(code, U_FOLD_CASE_DEFAULT)), 0);
      }
    }
    end_word();
  }

 private:
  void add_to_word(std::uint64_t hash, unsigned char ascii) {
    previous_hash_ = hash_;
    hash_ = hash;
    before_last_ = last_;
    last_ = ascii;
    ++length_;
    last_spaceless_ = 0;
  }

  void end_word() {
    last_spaceless_ = 0;
    if (length_ == 0) return;
    // "processors" is "processor", but "process", "bus" and "gas" stay.
    const bool plural = last_ == 's' && before_last_ != 's' && before_last_ != 'u' && length_ > 3;
    const std::uint64_t word = plural ? previous_hash_ : hash_;
    counts_.add(finish(word), is_function_word(word) ? function_word_weight : word_weight);
    if (previous_word_ != 0) counts_.add(finish(previous_word_ * 31 + word), pair_weight);
    previous_word_ = word;
    hash_ = hash_start;
    length_ = 0;
    last_ = before_last_ = 0;
  }

  void add_spaceless(UChar32 code) {
    if (last_spaceless_ != 0)
      counts_.add(finish(add_code(add_code(hash_start, last_spaceless_), code)), word_weight);
    else
      counts_.add(finish(add_code(hash_start, code)), pair_weight);
    last_spaceless_ = code;
    previous_word_ = 0;
  }

  TermCounts& counts_;
  std::uint64_t hash_ = hash_start;
  std::uint64_t previous_hash_ = hash_start;  // before the last character
  std::uint64_t previous_word_ = 0;
  std::size_t length_ = 0;
  unsigned char last_ = 0;
  unsigned char before_last_ = 0;
  UChar32 last_spaceless_ = 0;
};

void embed_text(std::string_view text, float* vector, std::size_t dimensions) {
  thread_local TermCounts counts;
  counts.clear_for(text.size());
  TermReader(counts).read(text);

  std::fill_n(vector, dimensions, 0.0f);
  for (const TermCounts::Term& term : counts.terms()) {
    const float weight = term.weight * (1.0f + std::log(static_cast<float>(term.count)));
    const std::size_t dimension = ((term.hash >> 32) * dimensions) >> 32;
    vector[dimension] += (term.hash & 1) != 0 ? weight : -weight;
  }
  float squares = 0;
  for (std::size_t i = 0; i < dimensions; ++i) squares += vector[i] * vector[i];
  if (squares == 0) {
    vector[0] = 1;
    return;
  }
  const float scale = 1.0f / std::sqrt(squares);
  for (std::size_t i = 0; i < dimensions; ++i) vector[i] *= scale;
}

}  // namespace

void LexicalEmbedder::embed(std::vector<std::string_view> inputs, std::size_t, Done done) {
  Embedding embedding;
  embedding.vectors.resize(inputs.size() * dimensions());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    embed_text(inputs[i], embedding.vectors.data() + i * dimensions(), dimensions());
  done(std::move(embedding));
}

}  // namespace penstock
