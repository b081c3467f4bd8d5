// claim -> admit -> fetch -> extract -> chunk -> pack -> throttle -> embed -> store -> finish
//            ^ documents and bytes in flight: the only memory bound                   |
//            +------------------------------------------------------------------------+
//
// One message per document, a Job*, goes from node to node; only between pack and embed do packs
// travel, each with chunks of several documents. Rules that hold for every node:
//
// * A failure is a value. A job that failed, or that needs no work, is settled: each later node
//   hands it on untouched, so `store` and `finish` see every job. No exception leaves a node, since
//   that would cancel the graph and everybody else's documents.
// * Nothing blocks a TBB worker. What waits for a disk, a child process or a server is an
//   async_node: it hands the job to threads of its own and is called back.
// * Queues inside the graph are unbounded, and bounded all the same, because `admit` lets in only
//   so many documents and bytes. `claim` and `admit` block, so they have a thread of their own in
//   front of the graph; an input_node would block a worker, and a limiter_node counts messages, not
//   bytes.
// * `pack` keeps a pack that is not full. Nobody would ever fill it if all admitted documents wait
//   in it, so it is flushed as soon as no job is before `pack`, and after a deadline at the latest.

#include "engine/pipeline/pipeline.h"

#include <tbb/flow_graph.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/pipeline/admission.h"
#include "engine/pipeline/io_threads.h"
#include "engine/pipeline/job.h"
#include "engine/pipeline/store_writer.h"
#include "engine/stages/pack/packer.h"

namespace penstock {
namespace {

namespace flow = tbb::flow;

// Threads that read documents: enough to keep a disk's queue or some connections busy.
constexpr std::size_t fetch_threads = 4;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// What wakes `pack` without a job, to look at its deadline.
constexpr Job* deadline_tick = nullptr;

}  // namespace

class Pipeline::Graph {
 public:
  Graph(PipelineParts parts, PipelineOptions options, Observer observer);
  Result<void> run();

 private:
  using JobNode = flow::async_node<Job*, Job*>;
  using PackNode = flow::multifunction_node<Job*, std::tuple<Pack*, Job*>>;
  using ThrottleNode = flow::async_node<Pack*, Pack*>;
  using EmbedNode = flow::async_node<Pack*, Job*>;

  void claim_and_admit();
  void fetch(Job& job);
  void take_over(Job& job, Extraction extraction);
  void chunk(Job& job);
  void pack(Job* job, PackNode::output_ports_type& ports);
  void emit(std::optional<Pack> pack, PackNode::output_ports_type& ports);
  // Gives the vectors to the pack's jobs; returns those that have all of theirs now.
  std::vector<Job*> embedded(const Pack& pack, Result<std::vector<float>> vectors);
  void finish(Job* job);
  void tick_until_stopped();

  // work(job), timed, unless the job is settled; what it throws becomes the job's failure.
  template <typename Work>
  void guarded(Stage stage, Job& job, Work work);

  // Constant after construction.
  const PipelineParts parts_;
  const PipelineOptions options_;
  const Observer observer_;

  Admission admission_;
  Packer packer_;                            // of `pack` only: that node is serial
  std::atomic<std::size_t> before_pack_{0};  // jobs admitted that are not through `pack` yet
  std::optional<Error> store_error_;         // of `finish` only: that node is serial

  std::mutex tick_mutex_;
  std::condition_variable tick_stop_;
  bool ticking_ = true;  // guarded by tick_mutex_

  // The machine, in the order of the flow.
  flow::graph graph_;
  JobNode fetch_;
  JobNode extract_;
  flow::function_node<Job*, Job*> chunk_;
  PackNode pack_;
  ThrottleNode throttle_;
  EmbedNode embed_;
  JobNode store_;
  flow::function_node<Job*> finish_;

  // The threads behind fetch_ and store_; they end before the nodes do.
  IoThreads fetchers_;
  StoreWriter store_writer_;
};

Pipeline::Graph::Graph(PipelineParts parts, PipelineOptions options, Observer observer)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      observer_(std::move(observer)),
      admission_(options_.documents_in_flight_max, options_.bytes_in_flight_max),
      packer_(parts_.embedder.limits(), options_.pack_wait_max),

      fetch_(graph_, flow::unlimited,
             [this](Job* job, JobNode::gateway_type& next) {
               next.reserve_wait();
               fetchers_.run([this, job, &next] {
                 guarded(Stage::fetch, *job, [this](Job& it) { fetch(it); });
                 next.try_put(job);
                 next.release_wait();
               });
             }),

      extract_(graph_, flow::unlimited,
               [this](Job* job, JobNode::gateway_type& next) {
                 if (job->settled()) {
                   next.try_put(job);
                   return;
                 }
                 next.reserve_wait();
                 parts_.extract(job->file, [this, job, &next](Extraction extraction) {
                   take_over(*job, std::move(extraction));
                   next.try_put(job);
                   next.release_wait();
                 });
               }),

      chunk_(graph_, flow::unlimited,
             [this](Job* job) {
               guarded(Stage::chunk, *job, [this](Job& it) { chunk(it); });
               return job;
             }),

      pack_(graph_, flow::serial,
            [this](Job* job, PackNode::output_ports_type& ports) { pack(job, ports); }),

      throttle_(graph_, flow::unlimited,
                [this](Pack* pack, ThrottleNode::gateway_type& next) {
                  next.reserve_wait();
                  const auto ready = [pack, &next](Result<Grant> grant) {
                    pack->granted_at = now();
                    if (grant) {
                      pack->grant = *grant;
                    } else {
                      pack->refused = grant.error();
                    }
                    next.try_put(pack);
                    next.release_wait();
                  };
                  parts_.quota.reserve(pack->tokens, Lane::bulk, ready);
                }),

      embed_(graph_, flow::unlimited,
             [this](Pack* pack, EmbedNode::gateway_type& next) {
               next.reserve_wait();
               const auto done = [this, pack, &next](Result<std::vector<float>> vectors) {
                 const std::unique_ptr<Pack> owned(pack);
                 for (Job* job : embedded(*pack, std::move(vectors))) next.try_put(job);
                 next.release_wait();
               };
               if (pack->refused) {
                 done(pass_on(*pack->refused));
                 return;
               }
               parts_.embedder.embed(pack->inputs, pack->grant.key,
                                     [this, pack, done](Embedding embedding) {
                                       parts_.quota.settle(pack->grant, embedding.receipt);
                                       if (embedding.receipt.answer == Answer::embedded) {
                                         done(std::move(embedding.vectors));
                                       } else {
                                         done(permanent_error(std::move(embedding.message)));
                                       }
                                     });
             }),

      store_(graph_, flow::unlimited,
             [this](Job* job, JobNode::gateway_type& next) {
               if (job->store_error) {
                 next.try_put(job);
                 return;
               }
               next.reserve_wait();
               store_writer_.write(job);
             }),

      finish_(graph_, flow::serial, [this](Job* job) { finish(job); }),

      fetchers_(fetch_threads),
      store_writer_(parts_.ledger, parts_.vectors, options_.fingerprint, [this](Job* job) {
        store_.gateway().try_put(job);
        store_.gateway().release_wait();
      }) {
  flow::make_edge(fetch_, extract_);
  flow::make_edge(extract_, chunk_);
  if (options_.measure_only) {
    flow::make_edge(chunk_, finish_);
  } else {
    flow::make_edge(chunk_, pack_);
    flow::make_edge(flow::output_port<0>(pack_), throttle_);
    flow::make_edge(throttle_, embed_);
    flow::make_edge(embed_, store_);
    flow::make_edge(flow::output_port<1>(pack_), store_);  // jobs without anything to embed
    flow::make_edge(store_, finish_);
  }
}

Result<void> Pipeline::Graph::run() {
  graph_.reserve_wait();
  std::thread claims([this] {
    claim_and_admit();
    graph_.release_wait();
  });
  std::thread ticks([this] { tick_until_stopped(); });

  graph_.wait_for_all();

  claims.join();
  {
    const std::lock_guard lock(tick_mutex_);
    ticking_ = false;
  }
  tick_stop_.notify_one();
  ticks.join();
  graph_.wait_for_all();  // for a last tick that found nothing to do
  if (store_error_) return pass_on(*store_error_);
  return {};
}

template <typename Work>
void Pipeline::Graph::guarded(Stage stage, Job& job, Work work) {
  if (job.settled()) return;
  job.times.started(stage, now());
  try {
    work(job);
  } catch (const std::exception& error) {
    job.fail(Outcome::failed, std::string(name_of(stage)) + ": " + error.what());
  }
  job.times.finished(stage, now());
}

void Pipeline::Graph::claim_and_admit() {
  while (std::optional<Claim> claim = parts_.queue.claim()) {
    // A document above the limit is never read, so it takes no room.
    const std::uint64_t bytes =
        claim->stamp.bytes > options_.document_bytes_max ? 0 : claim->stamp.bytes;
    const TimePoint claimed_at = now();
    Job* job = admission_.admit(std::move(*claim), bytes);
    job->times.claimed(claimed_at);
    job->times.started(Stage::admit, now());
    ++before_pack_;
    fetch_.try_put(job);
  }
}

void Pipeline::Graph::fetch(Job& job) {
  Result<std::optional<DocumentRecord>> known = parts_.ledger.find(job.claim.key);
  if (!known) {
    job.store_error = known.error();
    return job.fail(Outcome::failed, known.error().message);
  }
  job.known = std::move(*known);

  if (job.has_outcome_under(options_.fingerprint) &&
      job.claim.stamp.proves_unchanged_since(job.known->claim.stamp) &&
      job.claim.metadata == job.known->claim.metadata) {
    return job.keep_known_outcome();
  }
  if (job.claim.stamp.bytes > options_.document_bytes_max) {
    return job.fail(Outcome::too_large, std::to_string(job.claim.stamp.bytes) +
                                            " bytes; the limit is " +
                                            std::to_string(options_.document_bytes_max));
  }

  Result<MemoryFile> file = parts_.blobs.read(job.claim.location, options_.document_bytes_max);
  if (!file) return job.fail(Outcome::unreadable, file.error().message);
  job.file = std::move(*file);
  admission_.resize(job, job.file.bytes().size());
  job.version = VersionId::of(job.file.bytes(), options_.fingerprint);
  if (job.has_outcome_under(options_.fingerprint) && job.known->attempted == job.version)
    return job.keep_known_outcome();
  if (job.file.bytes().empty()) job.fail(Outcome::no_text, "the file is empty");
}

void Pipeline::Graph::take_over(Job& job, Extraction extraction) {
  job.outcome = extraction.outcome;
  job.message = std::move(extraction.message);
  job.text = std::move(extraction.text);
  job.pages = extraction.pages;
  job.times.finished_after(Stage::extract, now(), extraction.busy);
}

void Pipeline::Graph::chunk(Job& job) {
  job.file = {};
  job.chunks = chunk_text(job.text, parts_.tokenizer, options_.chunk);
  for (const Chunk& chunk : job.chunks) job.tokens += chunk.tokens;
  if (job.chunks.empty()) return job.fail(Outcome::no_text, {});
  const std::size_t floats = job.chunks.size() * parts_.embedder.dimensions();
  admission_.resize(job, job.text.utf8.size() + floats * sizeof(float));
  if (options_.measure_only) return;
  job.vectors.resize(floats);
  job.chunks_to_embed = job.chunks.size();
}

void Pipeline::Graph::pack(Job* job, PackNode::output_ports_type& ports) {
  if (job == deadline_tick) {
    if (packer_.is_due(now())) emit(packer_.flush(), ports);
    return;
  }
  if (job->settled()) {
    std::get<1>(ports).try_put(job);
  } else {
    job->times.started(Stage::pack, now());
    for (std::size_t i = 0; i < job->chunks.size(); ++i)
      emit(packer_.add(job, i, job->chunks[i].text, job->chunks[i].tokens, now()), ports);
  }
  if (--before_pack_ == 0) emit(packer_.flush(), ports);
}

void Pipeline::Graph::emit(std::optional<Pack> pack, PackNode::output_ports_type& ports) {
  if (!pack) return;
  pack->packed_at = now();
  // Owned by whichever node holds it; `embed` ends it.
  auto owned = std::make_unique<Pack>(std::move(*pack));
  if (std::get<0>(ports).try_put(owned.get())) static_cast<void>(owned.release());
}

std::vector<Job*> Pipeline::Graph::embedded(const Pack& pack, Result<std::vector<float>> vectors) {
  const std::size_t dimensions = parts_.embedder.dimensions();
  if (vectors && vectors->size() != pack.inputs.size() * dimensions) {
    vectors = permanent_error("the embedder answered " + std::to_string(vectors->size()) +
                              " numbers for " + std::to_string(pack.inputs.size()) + " inputs of " +
                              std::to_string(dimensions));
  }
  std::vector<Job*> complete;
  std::size_t row = 0;
  for (const PackSlice& slice : pack.slices) {
    Job& job = *slice.job;
    const std::size_t rows = slice.chunk_end - slice.chunk_begin;
    if (vectors) {
      std::copy_n(
          vectors->begin() + static_cast<std::ptrdiff_t>(row * dimensions), rows * dimensions,
          job.vectors.begin() + static_cast<std::ptrdiff_t>(slice.chunk_begin * dimensions));
    } else {
      const std::lock_guard lock(job.embed_mutex);
      job.fail(Outcome::failed, vectors.error().message);
    }
    row += rows;
    if (job.chunks_to_embed.fetch_sub(rows) != rows) continue;
    // The pack that came last tells where the document's time went.
    job.times.finished_after(Stage::pack, pack.packed_at, Duration{0});
    job.times.finished_after(Stage::throttle, pack.granted_at, Duration{0});
    job.times.finished(Stage::embed, now());
    complete.push_back(&job);
  }
  return complete;
}

void Pipeline::Graph::finish(Job* job) {
  if (job->store_error) {
    // No durable outcome: not acknowledged, so the next run takes it again.
    if (!store_error_) store_error_ = job->store_error;
    parts_.queue.close();
  } else {
    if (!options_.measure_only) parts_.queue.acknowledge(job->claim, job->outcome);
    observer_({job->claim, job->outcome, job->message, job->unchanged, job->version, job->pages,
               job->chunks.size(), job->tokens, job->times});
  }
  admission_.release(job);
}

void Pipeline::Graph::tick_until_stopped() {
  std::unique_lock lock(tick_mutex_);
  while (!tick_stop_.wait_for(lock, options_.pack_wait_max, [this] { return !ticking_; }))
    pack_.try_put(deadline_tick);
}

Pipeline::Pipeline(PipelineParts parts, PipelineOptions options, Observer observer)
    : graph_(std::make_unique<Graph>(std::move(parts), std::move(options), std::move(observer))) {}

Pipeline::~Pipeline() = default;

Result<void> Pipeline::run() {
  return graph_->run();
}

}  // namespace penstock
