#include "engine/stages/extract/extractor_pool.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/stages/extract/dispatcher.h"
#include "engine/stages/extract/extract_text.h"

namespace penstock {
namespace {

ExtractorPoolOptions completed(ExtractorPoolOptions options) {
  if (options.children == 0) options.children = std::max(1u, std::thread::hardware_concurrency());
  options.pages_per_range =
      std::clamp(options.pages_per_range, 1u, extractor_protocol::pages_per_range_max);
  return options;
}

}  // namespace

ExtractorPool::ExtractorPool(ExtractorPoolOptions options)
    : dispatcher_(std::make_unique<Dispatcher>(completed(std::move(options)))) {}

ExtractorPool::~ExtractorPool() = default;

void ExtractorPool::extract(const MemoryFile& file, Lane lane, Done done) {
  dispatcher_->extract(file, lane, std::move(done));
}

const ExtractorStatus& ExtractorPool::status() const {
  return dispatcher_->status();
}

std::string extractor_fingerprint(ExtractorKind kind) {
  const std::string poppler = "poppler " + poppler_library_version();
  return (kind == ExtractorKind::penstock ? "penstock 1 on " + poppler : poppler) + " clean-1";
}

}  // namespace penstock
