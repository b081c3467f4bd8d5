#include "engine/backends/openai/embedding_response.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string_view>

#include "engine/backends/openai/base64.h"
#include "test/support/base64.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Rows = std::vector<float>;

std::string row(const Rows& vector) {
  return R"({"object":"embedding","embedding":")" + base64_of(vector) + R"("})";
}

std::string row(const Rows& vector, int index) {
  return R"({"object":"embedding","index":)" + std::to_string(index) + R"(,"embedding":")" +
         base64_of(vector) + R"("})";
}

std::string answer(const std::string& data) {
  return R"({"object":"list","data":[)" + data +
         R"(],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}})";
}

// The rows of a good answer of two dimensions.
Rows read(std::string body, std::size_t inputs) {
  Rows rows;
  const Result<EmbeddingResponse> response = read_embedding_response(body, inputs, 2, rows);
  INFO(body << (response ? "" : response.error().message));
  REQUIRE(response.has_value());
  CHECK(response->dimensions == 2);
  return rows;
}

// What is wrong with an answer for two inputs of two dimensions.
std::string fault(std::string body) {
  Rows rows;
  const Result<EmbeddingResponse> response = read_embedding_response(body, 2, 2, rows);
  INFO(body);
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().kind == ErrorKind::permanent);
  return response.error().message;
}

const Rows east = {1, 0};
const Rows north = {0, 1};
const Rows slanted = {0.6F, 0.8F};

bool decodes(std::string_view text, std::string& bytes) {
  const std::optional<std::size_t> size = base64_decoded_size(text);
  if (!size) return false;
  bytes.assign(*size, '\xAA');
  std::string scalar = bytes;
  const bool decoded = decode_base64(text, std::as_writable_bytes(std::span(bytes)));
  CHECK(decode_base64_scalar(text, std::as_writable_bytes(std::span(scalar))) == decoded);
  if (decoded) CHECK(bytes == scalar);
  return decoded;
}

TEST_CASE("base64: bytes of any length come back") {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
    std::string decoded;
    CHECK(decodes(base64_of(bytes), decoded));
    CHECK(decoded == bytes);
  }
}

TEST_CASE("base64: a character outside the alphabet is refused wherever it stands") {
  const std::string good = base64_of(std::string(120, '\x5C'));
  std::string ignored;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[at] = static_cast<char>(c);
      const bool in_alphabet = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                               (c >= '0' && c <= '9') || c == '+' || c == '/';
      INFO("byte " << c << " at " << at);
      // The last may be padding; it stands for bits that are not zero then.
      CHECK(decodes(text, ignored) == in_alphabet);
    }
  }
}

TEST_CASE("base64: lengths and padding are strict") {
  std::string bytes;
  CHECK(decodes("", bytes));
  CHECK(decodes("TQ==", bytes));
  CHECK(bytes == "M");
  CHECK(decodes("TWE=", bytes));
  CHECK(bytes == "Ma");
  for (const char* bad : {"T", "TQ", "TQ=", "TWE", "TQ==TWE=", "=",
                          "====", "T===", "TR==", "TWF=", "TQ=A", "=QQQ", "TWE=\n"}) {
    INFO(bad);
    CHECK_FALSE(decodes(bad, bytes));
  }
}

TEST_CASE("embedding response: rows come as base64 or as numbers") {
  CHECK(read(answer(row(slanted, 0) + "," + row(north, 1)), 2) == Rows{0.6F, 0.8F, 0, 1});
  CHECK(read(R"({"data":[{"embedding":[0.6,0.8],"index":0},{"embedding":[0,1e0],"index":1}]})",
             2) == Rows{0.6F, 0.8F, 0, 1});
}

TEST_CASE("embedding response: escapes within base64 and space around it are JSON") {
  // 0x3F3FFFFF and its like have '/' in their base64.
  const Rows slashed = {std::bit_cast<float>(0x3F3FFFFFU), std::bit_cast<float>(0x3F2953FFU)};
  std::string text = base64_of(slashed);
  REQUIRE(text.find('/') != std::string::npos);
  for (std::size_t at = text.find('/'); at != std::string::npos; at = text.find('/', at + 2))
    text.insert(at, "\\");
  CHECK(read(R"({"data" : [ { "embedding" : ")" + text + "\" \n } ] }\n", 1).size() == 2);
  CHECK(read(R"({"data":[{"embedding":"AACAPw\u0041AAAA="}]})", 1) == east);
}

TEST_CASE("embedding response: rows go where their index says") {
  const Rows west = {-1, 0};
  CHECK(read(answer(row(north, 2) + "," + row(east, 0) + "," + row(west, 1)), 3) ==
        Rows{1, 0, -1, 0, 0, 1});
  CHECK(read(R"({"data":[{"embedding":[0,1],"index":1},{"embedding":[1,0],"index":0}]})", 2) ==
        Rows{1, 0, 0, 1});
}

TEST_CASE("embedding response: rows without an index are in order") {
  CHECK(read(answer(row(north) + "," + row(east)), 2) == Rows{0, 1, 1, 0});
  CHECK(fault(answer(row(north, 1) + "," + row(east))) ==
        "some embeddings have an index and others have none");
  CHECK(fault(answer(row(north) + "," + row(east, 1))) ==
        "some embeddings have an index and others have none");
}

TEST_CASE("embedding response: as many rows as inputs") {
  CHECK(fault(answer("")) == "0 embeddings came for 2 inputs");
  CHECK(fault(answer(row(east, 0))) == "1 embeddings came for 2 inputs");
  CHECK(fault(answer(row(east, 0) + "," + row(east, 1) + "," + row(east, 2))) ==
        "more embeddings came than the 2 that were asked for");
  CHECK(fault("{}") == "0 embeddings came for 2 inputs");
  CHECK(fault(answer(row(east, 0) + R"(,{"index":1})")) == "embedding 1 is missing");
}

TEST_CASE("embedding response: an index is used once and exists") {
  CHECK(fault(answer(row(east, 1) + "," + row(north, 1))) == "two embeddings have index 1");
  CHECK(fault(answer(row(east, 0) + "," + row(north, 2))) ==
        "embedding 1 has an index that no input has");
  CHECK(fault(answer(row(east, -1) + "," + row(north, 1))) ==
        "embedding 0 has an index that no input has");
}

TEST_CASE("embedding response: rows have the dimension that was asked for") {
  CHECK(fault(answer(row({1, 0, 0}, 0))) == "embedding 0 has 3 dimensions instead of 2");
  CHECK(fault(answer(row(east, 0) + "," + row({1}, 1))) ==
        "embedding 1 has 1 dimensions instead of 2");
  CHECK(fault(R"({"data":[{"embedding":[1]}]})") == "embedding 0 has 1 dimensions instead of 2");
  CHECK(fault(R"({"data":[{"embedding":[1,0,0,0,0]}]})") ==
        "embedding 0 has 5 dimensions instead of 2");
  CHECK(fault(R"({"data":[{"embedding":[]}]})") == "embedding 0 is empty");
  CHECK(fault(R"({"data":[{"embedding":""}]})") == "embedding 0 is empty");
}

TEST_CASE("embedding response: an unknown dimension is the first row's") {
  Rows rows;
  for (std::string body :
       {answer(row({0, 0, 1}, 0)), std::string(R"({"data":[{"embedding":[0,0,1]}]})")}) {
    const Result<EmbeddingResponse> response = read_embedding_response(body, 1, 0, rows);
    REQUIRE(response.has_value());
    CHECK(response->dimensions == 3);
    CHECK(rows == Rows{0, 0, 1});
  }
  std::string uneven = answer(row(east, 0) + "," + row({0, 0, 1}, 1));
  CHECK_FALSE(read_embedding_response(uneven, 2, 0, rows).has_value());
}

TEST_CASE("embedding response: rows are of unit length afterwards") {
  CHECK(read(answer(row({3, 4}, 0)), 1) == Rows{0.6F, 0.8F});
  CHECK(read(answer(row({1e-30F, 0}, 0)), 1) == east);
  CHECK(read(answer(row({0, 3e38F}, 0)), 1) == north);
  // Nearly so is left alone, bit for bit.
  const Rows nearly = {0.6003F, 0.8003F};
  CHECK(read(answer(row(nearly, 0)), 1) == nearly);
  CHECK(read(answer(row({0.602F, 0.802F}, 0)), 1) != Rows{0.602F, 0.802F});
}

TEST_CASE("embedding response: vectors that point nowhere are refused") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(fault(answer(row({0, 0}, 0))) == "embedding 0 is nothing but zeros");
  CHECK(fault(answer(row({infinity, 0}, 0))) == "embedding 0 has a number that is not finite");
  CHECK(fault(answer(row({0, std::nanf("")}, 0))) == "embedding 0 has a number that is not finite");
  CHECK(fault(R"({"data":[{"embedding":[1e39,0]}]})") ==
        "embedding 0 has a number too large for a float32");
  CHECK(fault(R"({"data":[{"embedding":[null,0]}]})") ==
        "embedding 0 holds something that is no number");
}

TEST_CASE("embedding response: what is no embedding is named") {
  CHECK(fault(R"({"data":[{"embedding":"###########="}]})") == "embedding 0 is not base64");
  CHECK(fault(R"({"data":[{"embedding":"AAA"}]})") == "embedding 0 is not base64");
  CHECK(fault(R"({"data":[{"embedding":"AAAAAAA="}]})") ==
        "embedding 0 has 5 bytes, which are no float32");
  CHECK(fault(R"({"data":[{"embedding":7}]})") ==
        "embedding 0 is neither base64 nor a list of numbers");
}

TEST_CASE("embedding response: no part of an answer is taken for one") {
  const std::string whole = answer(row(east, 0) + "," + row(north, 1));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::string part = whole.substr(0, size);
    Rows rows;
    INFO(part);
    CHECK_FALSE(read_embedding_response(part, 2, 2, rows).has_value());
  }
  CHECK(fault(whole + "{}") == "something follows the JSON");
  CHECK_THAT(fault("<html>"), Catch::Matchers::StartsWith("not the JSON that was expected: "));
}

TEST_CASE("embedding response: an error is no embedding whatever the status") {
  CHECK(fault(R"({"error":{"message":"model is loading","code":503}})") ==
        "an error came instead of embeddings: model is loading");
  CHECK(fault(R"({"error":"busy"})") == "an error came instead of embeddings: busy");
  CHECK(fault(R"({"error":{}})") == "an error came instead of embeddings");
  CHECK(read(R"({"error":null,"data":[{"embedding":[1,0]}]})", 1) == east);
}

TEST_CASE("embedding response: tokens are counted where the service counts them") {
  const auto tokens = [](const std::string& usage) {
    std::string body = R"({"data":[{"embedding":[1,0]}])" + usage + "}";
    Rows rows;
    const Result<EmbeddingResponse> response = read_embedding_response(body, 1, 2, rows);
    REQUIRE(response.has_value());
    return response->tokens;
  };
  CHECK(tokens(R"(,"usage":{"prompt_tokens":7,"total_tokens":7})") == 7U);
  CHECK(tokens(R"(,"usage":{"total_tokens":9})") == 9U);
  CHECK(tokens(R"(,"usage":{"prompt_tokens":8,"prompt_tokens_details":null})") == 8U);
  CHECK(tokens("") == std::nullopt);
  CHECK(tokens(R"(,"usage":null)") == std::nullopt);
  CHECK(tokens(R"(,"usage":{"prompt_tokens":-1})") == std::nullopt);
}

}  // namespace
}  // namespace penstock
