// Any file as penstock.toml: it is refused in one line, or every option that has bounds is within
// them, for whoever uses it asks no more. A single line is a value instead.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>

#include "cli/exit_codes.h"
#include "cli/options.h"
#include "engine/core/unique_fd.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

// What is written to a stream as long as this is there.
class Heard {
 public:
  explicit Heard(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(words_.rdbuf())) {}
  ~Heard() { stream_.rdbuf(before_); }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
  std::string words() const { return words_.str(); }

 private:
  std::ostringstream words_;
  std::ostream& stream_;
  std::streambuf* const before_;
};

// Absent: refused.
template <typename Options>
std::optional<Options> options_in(std::string_view text, const char* command,
                                  const char* argument = nullptr) {
  const UniqueFd file(memfd_create("configuration", MFD_CLOEXEC));
  REQUIRE(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  std::array arguments = {std::string("penstock"), std::string("--config"), path,
                          std::string(command), std::string(argument ? argument : "")};
  std::array<char*, arguments.size() + 1> argv{};
  const int argc = static_cast<int>(arguments.size()) - (argument ? 0 : 1);
  for (int i = 0; i < argc; ++i) argv[i] = arguments[i].data();

  int exit_code = exit_done;
  const Heard out(std::cout);
  const Heard error(std::cerr);
  const auto parsed = parse_command_line(argc, argv.data(), exit_code);
  REQUIRE(out.words().empty());
  if (parsed) {
    REQUIRE(error.words().empty());
    return std::get<Options>(*parsed);
  }
  REQUIRE(exit_code == exit_usage);
  const std::string words = error.words();
  REQUIRE(words.starts_with("penstock: ") && words.find('\n') == words.size() - 1);
  return std::nullopt;
}

// False for what is no number, too.
template <typename T>
bool is_within(T value, T least, T most) {
  return value >= least && value <= most;
}

void check_engine(const EngineOptions& options) {
  const EmbedderOptions& embedder = options.embedder;
  REQUIRE(embedder.dimensions <= 65'536);
  REQUIRE(is_within(embedder.interactive_share, 0.0, 0.9));
  REQUIRE(is_within(embedder.requests_in_flight, 1u, 10'000u));
  REQUIRE(is_within(embedder.request_inputs, 1u, 100'000u));
  REQUIRE(is_within(embedder.request_timeout_s, 1u, 3'600u));
  REQUIRE(options.tokens_max.value_or(1) >= 1);
  REQUIRE(is_within(options.price_per_million.value_or(0), 0.0, 1e6));
  REQUIRE(is_within(options.cost_max.value_or(0), 0.0, 1e12));
  REQUIRE(!options.cost_max || options.price_per_million);
  REQUIRE(options.encoding == "cl100k_base" || options.encoding == "o200k_base");
  REQUIRE(is_within(options.chunk_tokens, 16u, 8'192u) && options.overlap_tokens <= 4'096);
  REQUIRE(options.extractor == "penstock" || options.extractor == "poppler");
  REQUIRE(options.extractors <= 1'024);
  REQUIRE(is_within(options.documents_in_flight, 1u, 100'000u));
}

void check_serve(const ServeOptions& options) {
  check_engine(options.engine);
  REQUIRE(options.certificate_file.empty() == options.key_file.empty());
  REQUIRE(options.workers.value_or(0) <= 64);
  REQUIRE(is_within(options.queue.lease_s, 1u, 3'600u));
  REQUIRE(is_within(options.queue.attempts_max, 1u, 1'000u));
  REQUIRE(options.interactive_depth >= 1 && options.bulk_depth >= 1);
}

void check_emulate(const EmulateOpenAiOptions& options) {
  REQUIRE(is_within(options.emulator.faults, 0.0, 1.0));
  REQUIRE(is_within<std::uint64_t>(options.requests_per_minute, 1, 1'000'000'000));
  REQUIRE(is_within<std::uint64_t>(options.tokens_per_minute, 1, 1'000'000'000));
}

// One command a file, that which it speaks of: to describe them all to the parser takes long.
void check_configuration(std::string_view text) {
  if (text.find("[serve]") != std::string_view::npos) {
    if (const auto serve = options_in<ServeOptions>(text, "serve")) check_serve(*serve);
  } else if (text.find("[emulate.openai]") != std::string_view::npos) {
    if (const auto emulate = options_in<EmulateOpenAiOptions>(text, "emulate", "openai"))
      check_emulate(*emulate);
  } else if (const auto backfill = options_in<BackfillOptions>(text, "backfill", "documents")) {
    check_engine(backfill->engine);
  }
}

// What is quoted is taken as it stands there.
void check_quoted(std::string_view text) {
  if (std::ranges::any_of(text, [](char c) {
        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
      }))
    return;
  const std::string value(text);
  const auto serve = options_in<ServeOptions>("[serve]\nregion = \"" + value + "\"\n", "serve");
  REQUIRE(serve && serve->region == value);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find('\n') == std::string_view::npos)
    penstock::check_quoted(text);
  else
    penstock::check_configuration(text);
  return 0;
}
