#include "loadgen/gate/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "engine/core/error.h"
#include "engine/core/random.h"
#include "fixtures/fixture.h"
#include "loadgen/corpus.h"
#include "loadgen/gate/metrics.h"
#include "loadgen/profile_parts.h"

namespace penstock {
namespace {

constexpr std::uint64_t content_documents_max = 100;  // of the job's

class CorpusFolder {
 public:
  explicit CorpusFolder(std::string path) : path_(std::move(path)) {}

  void add(const std::string& name, const std::vector<std::span<const char>>& parts) {
    std::ofstream file(path_ + "/" + name, std::ios::binary | std::ios::trunc);
    for (const std::span<const char> part : parts) {
      file.write(part.data(), static_cast<std::streamsize>(part.size()));
      size_.bytes += part.size();
    }
    file.close();
    if (!file) throw FatalError(path_ + "/" + name + " cannot be written; is its disk full?");
    ++size_.documents;
  }
  CorpusSize size() const { return size_; }

 private:
  const std::string path_;
  CorpusSize size_;
};

// Each kind as often as its weight says, in an order of the seed.
void add_documents(const GateJob& job, std::uint64_t documents, CorpusFolder& folder) {
  const Corpus corpus(job.kinds, job.seed);
  double weights = 0;
  for (const DocumentKind& kind : job.kinds) weights += kind.weight;
  Random random(job.seed);
  for (std::uint64_t number = 0; number < documents; ++number) {
    double at = static_cast<double>(random.below(1'000'000)) / 1e6 * weights;
    std::uint32_t kind = 0;
    while (kind + 1 < job.kinds.size() && at >= job.kinds[kind].weight)
      at -= job.kinds[kind++].weight;
    const Content content = corpus.content(number, kind);
    folder.add(fmt::format("{:06}-{}.{}", number, job.kinds[kind].name,
                           content.media_type == "application/pdf" ? "pdf" : "txt"),
               content.parts);
  }
}

}  // namespace

GateJob default_job() {
  GateJob job;
  job.name = "built-in";
  job.kinds = {{"letter", 8, {}, 20'000, 0},
               {"report", 3, {}, 200'000, 0},
               {"scan", 1, {}, 1'000'000, 6'000},
               {"book", 0.2, {}, 3'000'000, 0}};
  job.documents = 1'500;
  return job;
}

GateJob read_job(const std::string& path) {
  const std::string text = read_toml(path);
  const toml::table parsed = parse_toml(text, path);
  TomlTable root(parsed, path, {});
  GateJob job;
  job.name = root.text("name", path.substr(path.rfind('/') + 1));
  job.seed = root.whole("seed", 1, 0, INT64_MAX);
  std::optional<TomlTable> table = root.table("job");
  if (!table) root.refuse("job", "is missing: how many documents a run has");
  if (!table->has("documents")) table->refuse("documents", "is missing");
  job.documents = table->whole("documents", 0, 1, 10'000'000);
  table->finish();
  job.provider = read_provider(root);
  job.kinds = read_kinds(root, path);
  for (TomlTable& metric : root.tables("metric")) {
    const std::string name = metric.text("name");
    if (!is_gate_metric(name)) metric.refuse("name", "is no metric of a gate");
    if (!metric.has("floor")) metric.refuse("floor", "is missing");
    job.floors[name] = metric.number("floor", 0, 0.0001, 10);
    metric.finish();
  }
  root.finish();
  return job;
}

CorpusSize write_corpus(const GateJob& job, const std::string& folder) {
  CorpusFolder files(folder);
  add_documents(job, job.documents, files);
  return files.size();
}

CorpusSize write_content_corpus(const GateJob& job, const std::string& folder) {
  CorpusFolder files(folder);
  add_documents(job, std::min(job.documents, content_documents_max), files);
  for (const auto& set : {fixtures::sample_set(1), fixtures::feature_set()})
    for (const fixtures::Fixture& fixture : set)
      files.add("fixture-" + fixture.name, {{fixture.bytes.data(), fixture.bytes.size()}});
  return files.size();
}

}  // namespace penstock
