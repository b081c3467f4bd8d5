// What a PDF begins with.
#pragma once

#include <cstddef>
#include <string_view>

namespace penstock {

// As much junk before the header as readers tolerate.
inline constexpr std::size_t pdf_header_within = 1024;

inline bool looks_like_pdf(std::string_view bytes) {
  return bytes.substr(0, pdf_header_within).find("%PDF-") != std::string_view::npos;
}

}  // namespace penstock
