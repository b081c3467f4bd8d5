#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "loadgen/emulate/openai_emulator.h"
#include "loadgen/emulate/pinecone_emulator.h"
#include "loadgen/emulate/s3_emulator.h"
#include "reports/format.h"

namespace penstock {
namespace {

// Absent: not a limit.
std::optional<std::uint64_t> parse_limit(std::string_view digits) {
  constexpr std::uint64_t limit_max = 1'000'000'000;
  std::uint64_t limit = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, limit);
  if (error != std::errc() || end != last || limit < 1 || limit > limit_max) return std::nullopt;
  return limit;
}

EmulatedKey parse_key(std::string_view words) {
  const std::size_t second = words.rfind(':');
  const std::size_t first =
      second == std::string_view::npos || second == 0 ? second : words.rfind(':', second - 1);
  if (second != std::string_view::npos && first != std::string_view::npos && first > 0) {
    const auto requests = parse_limit(words.substr(first + 1, second - first - 1));
    const auto tokens = parse_limit(words.substr(second + 1));
    if (requests && tokens) return {std::string(words.substr(0, first)), {*requests, *tokens}};
  }
  throw FatalError("--key " + std::string(words) +
                   ": write it as NAME:RPM:TPM, with requests and tokens a minute");
}

LatencyRange range_of(const std::string& flag, const std::string& words) {
  const Result<LatencyRange> range = parse_latency(words);
  if (!range) throw FatalError(flag + ": " + range.error().message);
  return *range;
}

std::vector<FaultKind> kinds_named(const std::vector<std::string>& names) {
  std::vector<FaultKind> kinds;
  kinds.reserve(names.size());
  for (const std::string& name : names) kinds.push_back(fault_of_name(name).value());
  return kinds;
}

void wait_for(Interrupt& interrupt) {
  std::promise<void> interrupted;
  interrupt.on_first([&] { interrupted.set_value(); });
  interrupted.get_future().wait();
}

template <typename Options>
Options emulator_options(const EmulatorOptions& options) {
  Options emulator;
  emulator.listen = options.listen;
  emulator.latency = range_of("--latency", options.latency);
  emulator.fault_fraction = options.faults;
  emulator.fault_kinds = kinds_named(options.fault_kinds);
  emulator.seed = options.seed;
  return emulator;
}

OpenAiEmulatorOptions emulator_options(const EmulateOpenAiOptions& options) {
  auto emulator = emulator_options<OpenAiEmulatorOptions>(options.emulator);
  std::set<std::string> names;
  for (const std::string& key : options.keys) {
    emulator.keys.push_back(parse_key(key));
    if (!names.insert(emulator.keys.back().name).second)
      throw FatalError("--key " + key + ": there is another of this name");
  }
  emulator.limits = {options.requests_per_minute, options.tokens_per_minute};
  emulator.poison = options.poison;
  emulator.poison_500 = options.poison_500;
  return emulator;
}

std::string words_of(const OpenAiEmulatorOptions& options) {
  if (options.keys.empty())
    return fmt::format("{} requests and {} tokens a minute a key",
                       with_commas(options.limits.requests_per_minute),
                       with_commas(options.limits.tokens_per_minute));
  KeyLimits all{0, 0};
  for (const EmulatedKey& key : options.keys) {
    all.requests_per_minute += key.limits.requests_per_minute;
    all.tokens_per_minute += key.limits.tokens_per_minute;
  }
  return fmt::format("{}: {} requests and {} tokens a minute", counted(options.keys.size(), "key"),
                     with_commas(all.requests_per_minute), with_commas(all.tokens_per_minute));
}

void print_totals(const Usage& usage) {
  std::uint64_t faults = 0;
  for (const std::uint64_t count : usage.answers.faults) faults += count;
  fmt::print("{} and {} tokens admitted in {}", counted(usage.quota.requests, "request"),
             with_commas(usage.quota.tokens), human_time(usage.span));
  if (const auto utilisation = usage.utilisation())
    fmt::print(", {:.1f}% of what the quota permits", *utilisation * 100);
  fmt::print(
      "\n{} refused for quota; no 60 seconds exceeded a limit by more than {} and {} tokens\n"
      "{} answered with vectors, {} refused, {} poisoned, {} in outages, {} met a fault\n",
      with_commas(usage.quota.violations), counted(usage.quota.overshoot_requests_max, "request"),
      with_commas(usage.quota.overshoot_tokens_max), with_commas(usage.answers.answered),
      with_commas(usage.answers.refused), with_commas(usage.answers.poisoned),
      with_commas(usage.answers.outage), with_commas(faults));
}

S3EmulatorOptions emulator_options(const EmulateS3Options& options) {
  auto emulator = emulator_options<S3EmulatorOptions>(options.emulator);
  emulator.service.credentials = {options.access_key, options.secret_key, {}, options.region};
  emulator.service.folder = options.folder;
  emulator.service.buckets = options.buckets;
  return emulator;
}

void print_totals(const S3Usage& usage) {
  std::uint64_t faults = 0;
  for (const std::uint64_t count : usage.faults) faults += count;
  fmt::print(
      "{} read, {} written, {} listed, {} refused; {} met a fault\n",
      counted(usage.count(S3Operation::get_object), "object"),
      counted(usage.count(S3Operation::put_object) + usage.count(S3Operation::complete_upload),
              "object"),
      counted(usage.count(S3Operation::list_objects), "page"),
      counted(usage.count(S3Operation::refused), "request"), with_commas(faults));
}

}  // namespace

int run_emulate_openai(const EmulateOpenAiOptions& options) {
  Interrupt interrupt;
  const OpenAiEmulatorOptions served = emulator_options(options);
  OpenAiEmulator emulator(served);
  if (options.emulator.json) {
    print_json_line({{"event", "listening"}, {"url", emulator.url()}});
  } else {
    fmt::print("penstock emulates OpenAI's embeddings at {} ({}); GET /stats tells what was used\n",
               emulator.url(), words_of(served));
    std::fflush(stdout);
  }

  wait_for(interrupt);
  const Usage usage = emulator.stop();
  if (options.emulator.json) {
    print_json_line({{"event", "summary"},
                     {"seconds", std::chrono::duration<double>(usage.span).count()},
                     {"requests", usage.quota.requests},
                     {"tokens", usage.quota.tokens},
                     {"answered", usage.answers.answered},
                     {"answered_tokens", usage.answers.answered_tokens},
                     {"violations", usage.quota.violations},
                     {"max_overshoot_requests", usage.quota.overshoot_requests_max},
                     {"max_overshoot_tokens", usage.quota.overshoot_tokens_max}});
  } else {
    print_totals(usage);
  }
  return exit_done;
}

int run_emulate_pinecone(const EmulatePineconeOptions& options) {
  Interrupt interrupt;
  auto served = emulator_options<PineconeEmulatorOptions>(options.emulator);
  served.api_key = options.api_key;
  served.dimensions = options.dimensions;
  served.visibility = range_of("--visibility", options.visibility);
  served.limits.upserts = options.upserts_per_second;
  served.limits.upsert_bytes = options.bytes_per_second;
  PineconeEmulator emulator(served);
  if (options.emulator.json) {
    print_json_line({{"event", "listening"}, {"url", emulator.url()}});
  } else {
    fmt::print(
        "penstock emulates an index of Pinecone at {} ({} dimensions); GET /stats tells what "
        "was used\n",
        emulator.url(), with_commas(options.dimensions));
    std::fflush(stdout);
  }

  wait_for(interrupt);
  const PineconeUsage usage = emulator.stop();
  if (options.emulator.json) {
    print_json_line({{"event", "summary"},
                     {"upserts", usage.requests_of(PineconeOperation::upsert)},
                     {"upserted", usage.upserted},
                     {"records", usage.records},
                     {"answered", usage.answered},
                     {"rate_limited", usage.rate_limited},
                     {"refused", usage.refused}});
  } else {
    fmt::print(
        "{} with {}, of which {} are there; {} requests answered, {} above a rate limit, {} "
        "refused\n",
        counted(usage.requests_of(PineconeOperation::upsert), "upsert"),
        counted(usage.upserted, "record"), with_commas(usage.records), with_commas(usage.answered),
        with_commas(usage.rate_limited), with_commas(usage.refused));
  }
  return exit_done;
}

int run_emulate_s3(const EmulateS3Options& options) {
  Interrupt interrupt;
  S3Emulator emulator(emulator_options(options));
  if (options.emulator.json) {
    print_json_line({{"event", "listening"}, {"url", emulator.url()}});
  } else {
    fmt::print("penstock emulates S3 at {} in {}; GET /_stats tells what was asked for\n",
               emulator.url(), options.folder.empty() ? "memory" : options.folder);
    std::fflush(stdout);
  }
  wait_for(interrupt);
  const S3Usage usage = emulator.stop();
  if (options.emulator.json) {
    nlohmann::ordered_json summary = nlohmann::ordered_json::parse(usage_json(usage));
    summary["event"] = "summary";
    print_json_line(summary);
  } else {
    print_totals(usage);
  }
  return exit_done;
}

}  // namespace penstock
