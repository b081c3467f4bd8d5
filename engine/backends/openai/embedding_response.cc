// One pass: simdjson finds the structure of the whole body (and checks its UTF-8), then each row is
// decoded from where it stands in the body to where it belongs, and measured while it is in the
// nearest cache. A row's index may come after it, so rows go to their positions, and are put in
// order at the end if any was not.

#include "engine/backends/openai/embedding_response.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "engine/backends/openai/base64.h"
#include "engine/backends/openai/unit_length.h"

namespace penstock {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(std::endian::native == std::endian::little, "rows are sent as little-endian float32");

Result<void> check(simdjson::error_code code) {
  if (code == simdjson::SUCCESS) return {};
  return permanent_error(std::string("not the JSON that was expected: ") +
                         simdjson::error_message(code));
}

// Positions are those in the answer's list, from 0.
tl::unexpected<Error> fault(std::size_t position, std::string_view what) {
  return permanent_error("embedding " + std::to_string(position) + ' ' + std::string(what));
}

// The text between the quotes as it stands in the body; absent if it holds an escape.
std::optional<std::string_view> raw_text(ondemand::value& value) {
  std::string_view token = value.raw_json_token();  // up to where the next one begins
  token = token.substr(0, token.rfind('"'));
  if (token.empty()) return std::nullopt;
  token.remove_prefix(1);
  if (token.find('\\') != std::string_view::npos) return std::nullopt;
  return token;
}

class Reader {
 public:
  Reader(std::size_t inputs, std::size_t dimensions, std::vector<float>& rows)
      : inputs_(inputs), dimensions_(dimensions), rows_(rows) {
    if (dimensions_ != 0) rows_.resize(inputs_ * dimensions_);
    indices_.reserve(inputs_);
  }

  Result<EmbeddingResponse> read(std::string& body) {
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    ondemand::parser parser;
    ondemand::document document;
    ondemand::object object;
    if (auto ok = check(parser.iterate(simdjson::padded_string_view(body)).get(document)); !ok)
      return pass_on(ok.error());
    if (auto ok = check(document.get_object().get(object)); !ok) return pass_on(ok.error());
    if (auto ok = read_answer(object); !ok) return pass_on(ok.error());
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
      return permanent_error("something follows the JSON");
    if (auto ok = put_in_order(); !ok) return pass_on(ok.error());
    return EmbeddingResponse{dimensions_, tokens_};
  }

 private:
  Result<void> read_answer(ondemand::object& object) {
    for (auto field : object) {
      std::string_view key;
      ondemand::value value;
      if (auto ok = check(field.unescaped_key().get(key)); !ok) return ok;
      if (auto ok = check(field.value().get(value)); !ok) return ok;
      if (key == "data") {
        if (auto ok = read_data(value); !ok) return ok;
      } else if (key == "usage") {
        if (auto ok = read_usage(value); !ok) return ok;
      } else if (key == "error") {
        if (auto ok = read_error(value); !ok) return ok;
      }
    }
    if (indices_.size() != inputs_)
      return permanent_error(std::to_string(indices_.size()) + " embeddings came for " +
                             std::to_string(inputs_) + " inputs");
    return {};
  }

  Result<void> read_error(ondemand::value& value) {
    ondemand::json_type type = ondemand::json_type::null;
    if (auto ok = check(value.type().get(type)); !ok) return ok;
    if (type == ondemand::json_type::null) return {};
    std::string_view message;
    if (type == ondemand::json_type::string) {
      if (auto ok = check(value.get_string().get(message)); !ok) return ok;
    } else if (type == ondemand::json_type::object) {
      if (value["message"].get_string().get(message) != simdjson::SUCCESS) message = {};
    }
    if (message.empty()) return permanent_error("an error came instead of embeddings");
    return permanent_error("an error came instead of embeddings: " + std::string(message));
  }

  Result<void> read_usage(ondemand::value& value) {
    ondemand::object usage;
    if (value.get_object().get(usage) != simdjson::SUCCESS) return {};
    for (auto field : usage) {
      std::string_view key;
      ondemand::value count;
      if (auto ok = check(field.unescaped_key().get(key)); !ok) return ok;
      if (auto ok = check(field.value().get(count)); !ok) return ok;
      // The same for embeddings; a service may give one or the other.
      if (key != "prompt_tokens" && key != "total_tokens") continue;
      std::uint64_t tokens = 0;
      if (count.get_uint64().get(tokens) == simdjson::SUCCESS)
        tokens_ = std::max(tokens_.value_or(0), tokens);
    }
    return {};
  }

  Result<void> read_data(ondemand::value& value) {
    if (!indices_.empty()) return permanent_error("there are two lists of embeddings");
    ondemand::array data;
    if (auto ok = check(value.get_array().get(data)); !ok) return ok;
    for (auto element : data) {
      ondemand::object object;
      if (auto ok = check(element.get_object().get(object)); !ok) return ok;
      if (indices_.size() == inputs_)
        return permanent_error("more embeddings came than the " + std::to_string(inputs_) +
                               " that were asked for");
      if (auto ok = read_embedding(object); !ok) return ok;
    }
    return {};
  }

  Result<void> read_embedding(ondemand::object& object) {
    const std::size_t position = indices_.size();
    std::optional<std::uint64_t> index;
    bool has_row = false;
    for (auto field : object) {
      std::string_view key;
      ondemand::value value;
      if (auto ok = check(field.unescaped_key().get(key)); !ok) return ok;
      if (auto ok = check(field.value().get(value)); !ok) return ok;
      if (key == "index") {
        std::uint64_t number = 0;
        if (value.get_uint64().get(number) != simdjson::SUCCESS || number >= inputs_)
          return fault(position, "has an index that no input has");
        index = number;
      } else if (key == "embedding") {
        if (auto ok = read_row(value, position); !ok) return ok;
        has_row = true;
      }
    }
    if (!has_row) return fault(position, "is missing");
    if (position > 0 && index.has_value() != indexed_)
      return permanent_error("some embeddings have an index and others have none");
    indexed_ = index.has_value();
    indices_.push_back(index.value_or(position));
    return {};
  }

  Result<void> read_row(ondemand::value& value, std::size_t position) {
    ondemand::json_type type = ondemand::json_type::null;
    if (auto ok = check(value.type().get(type)); !ok) return ok;
    Result<void> read;
    if (type == ondemand::json_type::string) {
      read = read_base64(value, position);
    } else if (type == ondemand::json_type::array) {
      read = read_numbers(value, position);
    } else {
      return fault(position, "is neither base64 nor a list of numbers");
    }
    if (!read) return read;
    switch (make_unit_length(row(position))) {
      case LengthFault::none:
        return {};
      case LengthFault::zero:
        return fault(position, "is nothing but zeros");
      case LengthFault::not_finite:
        break;
    }
    return fault(position, "has a number that is not finite");
  }

  Result<void> read_base64(ondemand::value& value, std::size_t position) {
    std::string_view text;
    if (const std::optional<std::string_view> raw = raw_text(value)) {
      text = *raw;
    } else if (auto ok = check(value.get_string().get(text)); !ok) {
      return ok;
    }
    const std::optional<std::size_t> bytes = base64_decoded_size(text);
    if (!bytes) return fault(position, "is not base64");
    if (*bytes % sizeof(float) != 0)
      return fault(position, "has " + std::to_string(*bytes) + " bytes, which are no float32");
    if (auto ok = expect_dimensions(*bytes / sizeof(float), position); !ok) return ok;
    if (!decode_base64(text, std::as_writable_bytes(row(position))))
      return fault(position, "is not base64");
    return {};
  }

  Result<void> read_numbers(ondemand::value& value, std::size_t position) {
    ondemand::array numbers;
    if (auto ok = check(value.get_array().get(numbers)); !ok) return ok;
    if (dimensions_ == 0) {
      std::size_t count = 0;
      if (auto ok = check(numbers.count_elements().get(count)); !ok) return ok;
      if (auto ok = expect_dimensions(count, position); !ok) return ok;
    }
    const std::span<float> to = row(position);
    std::size_t count = 0;
    for (auto element : numbers) {
      double number = 0;
      if (element.get_double().get(number) != simdjson::SUCCESS)
        return fault(position, "holds something that is no number");
      if (std::abs(number) > std::numeric_limits<float>::max())
        return fault(position, "has a number too large for a float32");
      if (count < to.size()) to[count] = static_cast<float>(number);
      ++count;
    }
    return expect_dimensions(count, position);
  }

  // The first row of unknown size settles it for all.
  Result<void> expect_dimensions(std::size_t count, std::size_t position) {
    if (dimensions_ == 0) {
      dimensions_ = count;
      rows_.resize(inputs_ * dimensions_);
    }
    if (count == 0) return fault(position, "is empty");
    if (count == dimensions_) return {};
    return fault(position, "has " + std::to_string(count) + " dimensions instead of " +
                               std::to_string(dimensions_));
  }

  std::span<float> row(std::size_t position) {
    return std::span(rows_).subspan(position * dimensions_, dimensions_);
  }

  Result<void> put_in_order() {
    std::vector<bool> taken(inputs_);
    for (const std::size_t index : indices_) {
      if (taken[index])
        return permanent_error("two embeddings have index " + std::to_string(index));
      taken[index] = true;
    }
    // Each swap brings one row home.
    for (std::size_t at = 0; at < inputs_; ++at) {
      while (indices_[at] != at) {
        const std::size_t home = indices_[at];
        std::ranges::swap_ranges(row(at), row(home));
        std::swap(indices_[at], indices_[home]);
      }
    }
    return {};
  }

  const std::size_t inputs_;
  std::size_t dimensions_;
  std::vector<float>& rows_;
  std::vector<std::size_t> indices_;  // of the rows that were read, by position
  bool indexed_ = false;
  std::optional<std::uint64_t> tokens_;
};

}  // namespace

Result<EmbeddingResponse> read_embedding_response(std::string& body, std::size_t inputs,
                                                  std::size_t dimensions,
                                                  std::vector<float>& rows) {
  assert(inputs > 0);
  return Reader(inputs, dimensions, rows).read(body);
}

}  // namespace penstock
