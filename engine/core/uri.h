// Percent-encoding (RFC 3986, 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock {

// All but letters, digits and -._~ as %XX, in capitals, as AWS's signatures want it, too; what is
// in `kept` stays as it is.
std::string uri_encoded(std::string_view text, std::string_view kept = {});

// Absent: a % that no two hexadecimal digits follow. A + stays one.
std::optional<std::string> uri_decoded(std::string_view text);

// Of a query: a + is a space.
std::optional<std::string> query_decoded(std::string_view text);

}  // namespace penstock
