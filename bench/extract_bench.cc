// The extract stage: pages a second, one thread; and what the sandbox adds to a small document.
#include <benchmark/benchmark.h>

#include <future>

#include "engine/core/memory_file.h"
#include "engine/stages/extract/extract_text.h"
#include "engine/stages/extract/extractor_pool.h"
#include "fixtures/fixture.h"

namespace penstock {
namespace {

// Pages with little but text, and pages that are mostly picture.
fixtures::Fixture document_of(std::int64_t pages, std::int64_t bytes_a_page) {
  return fixtures::sized_document(1, 1, static_cast<std::size_t>(pages * bytes_a_page));
}

void extract_in_process(benchmark::State& state) {
  const fixtures::Fixture document = document_of(state.range(0), 20'000);
  TextExtractor extractor(default_extractor);
  std::uint64_t number = 0;
  std::size_t pages = 0;
  for (auto _ : state) {
    const ExtractedPages extracted =
        extractor.extract(++number, document.bytes, {0, 1'000'000}, 64 << 20);
    pages += extracted.page_ends.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(pages));
}
BENCHMARK(extract_in_process)->ArgName("pages")->Arg(1)->Arg(100)->Unit(benchmark::kMillisecond);

void extract_in_sandbox(benchmark::State& state) {
  const fixtures::Fixture document = document_of(state.range(0), 20'000);
  const Result<MemoryFile> file = MemoryFile::of(document.bytes);
  ExtractorPoolOptions options;
  options.children = 1;
  ExtractorPool pool(options);
  std::size_t pages = 0;
  for (auto _ : state) {
    std::promise<std::uint32_t> done;
    pool.extract(*file, Lane::bulk,
                 [&](const Extraction& extraction) { done.set_value(extraction.pages); });
    pages += done.get_future().get();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(pages));
}
BENCHMARK(extract_in_sandbox)
    ->ArgName("pages")
    ->Arg(1)
    ->Arg(100)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace penstock

// The extraction processes are this program again.
int main(int argc, char** argv) {
  int exit_code = 0;
  if (penstock::run_extractor_child_if_asked(argc, argv, exit_code)) return exit_code;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
