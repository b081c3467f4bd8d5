// Pieces of HTML. Whatever a document, a service or a profile says goes through text().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::html {

// On one line, for an element or an attribute; what is longer ends in "…", so that no message makes
// a page large. Bytes that are no UTF-8 stay: a browser shows each as U+FFFD, and takes no '<' or
// quote into a broken sequence.
std::string text(std::string_view raw, std::size_t bytes_max = 500);

// Whole, with its line ends, for <pre>.
std::string lines(std::string_view raw);

// A part of 0 to 1 as CSS wants it: "12.5%", never less than 0% or more than 100%.
std::string percent(double part);

// What opens with a heading. Its id is a link's end.
std::string section(std::string_view id, std::string_view heading, std::string_view note,
                    const std::string& body);

// A verdict as a mark and a word, so that it does not depend on colours. Its tone is a class of
// page.css: pass, fail, inconclusive, invalid.
std::string badge(std::string_view tone, std::string_view mark, std::string_view word);

// A sentence in place of a chart that would be empty.
std::string nothing(std::string_view why);

}  // namespace penstock::html
