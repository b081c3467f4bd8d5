// What one document may cost. Every bound that is met becomes a warning on the document, never
// silence; what is within the bounds is read. The figures are far above what documents of people
// need (the largest page of 30,000 real ones: 21 MB of content, 3,000 forms) and keep the worst
// page that an attacker can make below a second and 200 MB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::pdf {

inline constexpr std::size_t stream_bytes_max = 96 << 20;        // one stream, inflated
inline constexpr std::size_t page_content_bytes_max = 96 << 20;  // of a page, forms too
inline constexpr std::size_t page_text_bytes_max = 96 << 20;     // UTF-8 of what it shows
inline constexpr std::size_t forms_bytes_max = 64 << 20;   // kept for when they are shown again
inline constexpr std::uint32_t page_forms_max = 20'000;    // shown on a page, one in another too
inline constexpr std::uint32_t page_runs_max = 1'000'000;  // of glyphs
inline constexpr std::size_t object_streams_bytes_max = 96 << 20;  // kept at a time
inline constexpr std::size_t glyph_pages_max = 8'192;  // of 256 codes of composite fonts: 64 MB
inline constexpr int form_depth_max = 16;              // forms in forms
inline constexpr std::size_t array_elements_max = 1'000'000;  // of one operand
inline constexpr std::size_t saved_states_max = 4'096;        // q without Q
inline constexpr std::size_t marked_content_depth_max = 4'096;
inline constexpr int page_tree_depth_max = 64;
inline constexpr std::uint32_t pages_max = 1'000'000;
inline constexpr std::size_t annotation_text_bytes_max = 16 << 20;  // their own, of a page
inline constexpr int annotations_max = 10'000;                      // of a page

// The first warning of a page; one is enough for a person to know that something is missing.
class Warning {
 public:
  void set(std::string_view what) {
    if (what_.empty()) what_ = what;
  }
  const std::string& what() const { return what_; }
  void clear() { what_.clear(); }

 private:
  std::string what_;
};

}  // namespace penstock::pdf
