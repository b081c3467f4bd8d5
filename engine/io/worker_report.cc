#include "engine/io/worker_report.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <unordered_map>

namespace penstock {
namespace {

// Calls `visit` with each field's name and the field.
template <typename Report, typename Visit>
void for_each_field(Report& report, Visit&& visit) {
  visit("worker", report.worker);
  visit("budget", report.budget);
  visit("documents_in_flight", report.documents_in_flight);
  visit("done", report.done);
  visit("failed", report.failed);
  visit("pages", report.pages);
  visit("tokens", report.tokens);
  visit("vectors", report.vectors);
  visit("documents_per_second", report.rates.documents);
  visit("failed_per_second", report.rates.failed);
  visit("pages_per_second", report.rates.pages);
  visit("tokens_per_second", report.rates.tokens);
  visit("cpu_cores", report.cpu_cores);
  visit("memory_bytes", report.memory_bytes);
  visit("up_seconds", report.up);
  visit("draining", report.draining);
}

std::string text_of(const std::string& text) {
  return text;
}
std::string text_of(double number) {
  return std::to_string(number);
}
std::string text_of(std::uint64_t number) {
  return std::to_string(number);
}
std::string text_of(std::chrono::seconds time) {
  return std::to_string(time.count());
}
std::string text_of(bool is_so) {
  return is_so ? "1" : "0";
}

template <typename Number>
Number number_of(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void read(std::string_view text, std::string& field) {
  field = text;
}
void read(std::string_view text, double& field) {
  field = number_of<double>(text);
}
void read(std::string_view text, std::uint64_t& field) {
  field = number_of<std::uint64_t>(text);
}
void read(std::string_view text, std::chrono::seconds& field) {
  field = std::chrono::seconds(number_of<std::int64_t>(text));
}
void read(std::string_view text, bool& field) {
  field = text == "1";
}

}  // namespace

WorkerRates sum_of_rates(const std::vector<WorkerReport>& workers) {
  WorkerRates sum;
  for (const WorkerReport& worker : workers) {
    sum.documents += worker.rates.documents;
    sum.failed += worker.rates.failed;
    sum.pages += worker.rates.pages;
    sum.tokens += worker.rates.tokens;
  }
  return sum;
}

std::string to_text(const WorkerReport& report) {
  std::string text;
  for_each_field(report, [&](const char* name, const auto& field) {
    text += std::string(name) + ' ' + text_of(field) + '\n';
  });
  return text;
}

WorkerReport parse_worker_report(std::string_view text) {
  std::unordered_map<std::string_view, std::string_view> values;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos)
      values.emplace(line.substr(0, space), line.substr(space + 1));
  }
  WorkerReport report;
  for_each_field(report, [&](const char* name, auto& field) {
    if (const auto value = values.find(name); value != values.end()) read(value->second, field);
  });
  return report;
}

}  // namespace penstock
