// One extractor over a list of files, in memory, a line a document: what scripts/bench-extract and
// scripts/bench-fidelity run.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "bench/peers/measured_run.h"
#include "fixtures/fixture.h"

namespace penstock {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return std::move(content).str();
}

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream file(content_of(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

const std::map<std::string, std::function<std::unique_ptr<Peer>()>> modes = {
    {"mupdf", make_mupdf},
    {"penstock", make_penstock},
    {"poppler", [] { return make_poppler(PopplerOrder::reading); }},
    {"poppler-raw", [] { return make_poppler(PopplerOrder::content); }},
};

int run(int argc, char** argv) {
  std::string mode;
  std::string list;
  MeasuredRunOptions options;
  std::int64_t timeout_ms = options.document_timeout.count();
  CLI::App app(
      "Extracts the text of the files that LIST names, one a line. Prints, per document and pass:\n"
      "number in the list, outcome, pages, bytes of text, CPU ns, begin ns, end ns; "
      "tab-separated.");
  app.add_option("MODE", mode)->required()->check(CLI::IsMember(modes));
  app.add_option("LIST", list)->required();
  app.add_option("--workers", options.workers, "Processes at work at once")
      ->check(CLI::Range(1, 256));
  app.add_option("--repeat", options.passes, "Times to go through the list")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--out", options.text_folder, "Write texts to FOLDER/NUMBER.txt")
      ->check(CLI::ExistingDirectory);
  app.add_option("--timeout-ms", timeout_ms, "CPU time limit of one document")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  options.document_timeout = std::chrono::milliseconds(timeout_ms);

  std::vector<std::string> documents;
  for (const std::string& path : lines_of(list)) documents.push_back(content_of(path));
  // What an extractor does once, on its first document, is not the cost of that document.
  const fixtures::Fixture first = fixtures::sized_document(1, 1, 20'000);
  const auto make_warm_peer = [&] {
    std::unique_ptr<Peer> peer = modes.at(mode)();
    peer->extract(first.bytes);
    return peer;
  };
  const std::vector<Measured> runs = measured_run(documents, make_warm_peer, options);
  for (std::size_t i = 0; i < runs.size(); ++i)
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", i % documents.size(), name_of(runs[i].outcome),
               runs[i].pages, runs[i].text_bytes, runs[i].cpu.count(), runs[i].began.count(),
               runs[i].ended.count());
  return 0;
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  try {
    return penstock::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "extract_peer: {}\n", error.what());
    return 1;
  }
}
