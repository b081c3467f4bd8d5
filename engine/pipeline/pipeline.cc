// claim -> admit -> fetch -> extract -> chunk -> recall -> pack -> throttle -> embed -> keep
//            ^                                              ^        ^                      |
//            |                                              +- again +- halves <- deliver <-+
//            | documents and bytes in flight: the only memory bound             |
//            +------------------------------------------ finish <- store <------+
//
// One message per document, a Job*, goes from node to node; only between pack and deliver do packs
// travel, each with chunks of several documents. Rules that hold for every node:
//
// * A failure is a value. A job that failed, or that needs no work, is settled, as is a removal
//   once its document is found: each later node hands it on untouched, so `store` and `finish` see
//   every job. No exception leaves a node, since that would cancel the graph and everybody else's
//   documents.
// * A job that this run will not end, because it was told to stop or its store failed, is
//   abandoned: it goes the same way, but is neither recorded nor acknowledged, but given back, and
//   the next run or another worker takes it.
// * Interactive work goes first: it has a claim thread, room at `admit` and packs of its own, and
//   passes bulk work wherever that waits.
// * Nothing blocks a TBB worker. What waits for a disk, a child process or a server is an
//   async_node: it hands the job to threads of its own and is called back.
// * Queues inside the graph are unbounded, and bounded all the same, because `admit` lets in only
//   so many documents and bytes. `claim` and `admit` block, so they have a thread of their own in
//   front of the graph; an input_node would block a worker, and a limiter_node counts messages, not
//   bytes.
// * `pack` keeps a pack that is not full. Nobody would ever fill it if all admitted documents wait
//   in it, so it is flushed as soon as no job is before `pack`, and after a deadline at the latest.
//   While other packs wait for the quota it stays all the same: it could not be sent any sooner.
// * Vectors that were paid for are kept (in the embedding cache) before anything else is done with
//   them, pack by pack: a document of a thousand pages takes minutes of quota.

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
#include <variant>
#include <vector>

#include "engine/core/io_threads.h"
#include "engine/pipeline/admission.h"
#include "engine/pipeline/delivery.h"
#include "engine/pipeline/job.h"
#include "engine/pipeline/milestones.h"
#include "engine/pipeline/packing.h"
#include "engine/pipeline/recall.h"
#include "engine/pipeline/same_texts.h"
#include "engine/pipeline/store_writer.h"

namespace penstock {
namespace {

namespace flow = tbb::flow;

// Threads that read documents and known vectors: enough to keep a disk's queue or some connections
// busy.
constexpr std::size_t reader_threads = 4;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// Interactive documents have room of their own, this share of what bulk documents have.
constexpr std::size_t interactive_room = 4;

// What `pack` is called with: a document, a pack whose chunks are to be packed again, or nothing,
// to look at its deadline.
using ToPack = std::variant<std::monostate, Job*, Pack*>;

}  // namespace

class Pipeline::Graph {
 public:
  Graph(PipelineParts parts, PipelineOptions options, Observer observer);
  Result<void> run();

 private:
  using JobNode = flow::async_node<Job*, Job*>;
  using RecallNode = flow::async_node<Job*, ToPack>;
  using SendNode = flow::async_node<Pack*, Pack*>;
  using PackNode = flow::multifunction_node<ToPack, std::tuple<Pack*, Job*>>;
  using DeliverNode = flow::multifunction_node<Pack*, std::tuple<Job*, ToPack, Pack*>>;

  void claim_and_admit(Lane lane);
  void fetch(Job& job);
  Result<std::optional<DocumentRecord>> find(const std::string& key);
  void take_over(Job& job, Extraction extraction);
  void chunk(Job& job);
  void recall(Job& job);
  void pack(const ToPack& message, PackNode::output_ports_type& ports);
  void answered(Pack& pack, Embedding embedding);
  void deliver(Pack* pack, DeliverNode::output_ports_type& ports);
  void finish(Job* job);
  void stop();
  void tick_until_stopped();

  Admission& admission_of(Lane lane) { return lane == Lane::bulk ? bulk_ : interactive_; }
  WorkQueue* queue_of(Lane lane) const {
    return lane == Lane::bulk ? &parts_.queue : parts_.interactive_queue;
  }
  bool is_kept(const Pack& pack) const {
    return parts_.cache && !pack.error && pack.embedding.receipt.answer == Answer::embedded;
  }

  // work(job), timed; what it throws becomes the job's failure.
  template <typename Work>
  void guarded(Stage stage, Job& job, Work work);

  // Constant after construction.
  const PipelineParts parts_;
  const PipelineOptions options_;
  const Observer observer_;
  const Milestones milestones_;

  Admission bulk_;
  Admission interactive_;
  SameTexts same_texts_;
  Delivery delivery_;
  std::optional<Recall> recall_from_;  // the cache, if there is one
  Packing packing_;
  std::optional<Error> ended_early_;  // of `finish` only: that node is serial

  std::mutex ledger_mutex_;
  std::optional<Error> ledger_failure_;  // guarded by ledger_mutex_

  std::mutex tick_mutex_;
  std::condition_variable tick_stop_;
  bool ticking_ = true;  // guarded by tick_mutex_

  // The machine, in the order of the flow.
  flow::graph graph_;
  JobNode fetch_;
  JobNode extract_;
  flow::function_node<Job*, Job*> chunk_;
  RecallNode recall_;
  PackNode pack_;
  SendNode throttle_;
  SendNode embed_;
  SendNode keep_;
  DeliverNode deliver_;
  JobNode store_;
  flow::function_node<Job*> finish_;

  // The threads behind fetch_, recall_, keep_ and store_; they end before the nodes do.
  IoThreads readers_;
  StoreWriter store_writer_;
};

Pipeline::Graph::Graph(PipelineParts parts, PipelineOptions options, Observer observer)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      observer_(std::move(observer)),
      milestones_(parts_.events),
      bulk_(Lane::bulk, options_.documents_in_flight_max, options_.bytes_in_flight_max),
      interactive_(Lane::interactive,
                   std::max<std::size_t>(options_.documents_in_flight_max / interactive_room, 1),
                   options_.bytes_in_flight_max / interactive_room),
      delivery_(parts_.embedder.dimensions(), same_texts_),
      packing_(parts_.embedder.limits(), options_.pack_wait_max),

      fetch_(graph_, flow::unlimited,
             [this](Job* job, JobNode::gateway_type& next) {
               next.reserve_wait();
               readers_.run(job->lane, [this, job, &next] {
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
                 parts_.extract(job->file, job->lane, [this, job, &next](Extraction extraction) {
                   take_over(*job, std::move(extraction));
                   next.try_put(job);
                   next.release_wait();
                 });
               }),

      chunk_(graph_, flow::unlimited,
             [this](Job* job) {
               if (!job->settled()) guarded(Stage::chunk, *job, [this](Job& it) { chunk(it); });
               return job;
             }),

      recall_(graph_, flow::unlimited,
              [this](Job* job, RecallNode::gateway_type& next) {
                if (job->settled() || !parts_.cache) {
                  next.try_put(job);
                  return;
                }
                next.reserve_wait();
                readers_.run(job->lane, [this, job, &next] {
                  recall(*job);
                  next.try_put(job);
                  next.release_wait();
                });
              }),

      pack_(graph_, flow::serial,
            [this](const ToPack& message, PackNode::output_ports_type& ports) {
              pack(message, ports);
            }),

      throttle_(graph_, flow::unlimited,
                [this](Pack* pack, SendNode::gateway_type& next) {
                  const Lane lane = pack->lane;
                  packing_.begin_wait(lane);
                  next.reserve_wait();
                  const auto ready = [this, pack, lane, &next](Result<Grant> grant) {
                    pack->granted_at = now();
                    if (grant) {
                      pack->grant = *grant;
                    } else {
                      pack->error = grant.error();
                    }
                    next.try_put(pack);
                    if (packing_.end_wait(lane)) pack_.try_put({});
                    next.release_wait();
                  };
                  parts_.quota.reserve(pack->tokens, lane, ready);
                }),

      embed_(graph_, flow::unlimited,
             [this](Pack* pack, SendNode::gateway_type& next) {
               if (pack->error) {
                 next.try_put(pack);
                 return;
               }
               next.reserve_wait();
               parts_.embedder.embed(pack->inputs, pack->grant.key,
                                     [this, pack, &next](Embedding embedding) {
                                       answered(*pack, std::move(embedding));
                                       next.try_put(pack);
                                       next.release_wait();
                                     });
             }),

      keep_(graph_, flow::unlimited,
            [this](Pack* pack, SendNode::gateway_type& next) {
              if (!is_kept(*pack)) {
                next.try_put(pack);
                return;
              }
              next.reserve_wait();
              store_writer_.keep(pack);
            }),

      deliver_(graph_, flow::unlimited,
               [this](Pack* pack, DeliverNode::output_ports_type& ports) { deliver(pack, ports); }),

      store_(graph_, flow::unlimited,
             [this](Job* job, JobNode::gateway_type& next) {
               if (job->abandoned) {
                 next.try_put(job);
                 return;
               }
               if (!job->settled()) milestones_.reach(*job, Milestone::embedded);
               next.reserve_wait();
               store_writer_.write(job);
             }),

      finish_(graph_, flow::serial, [this](Job* job) { finish(job); }),

      readers_(reader_threads),
      store_writer_(
          parts_.ledger, parts_.vectors, parts_.cache, options_.fingerprint, milestones_,
          [this](Lane lane, std::span<const std::string> keys) {
            return queue_of(lane)->holds(keys);
          },
          [this](Pack* pack) {
            keep_.gateway().try_put(pack);
            keep_.gateway().release_wait();
          },
          [this](Job* job) {
            store_.gateway().try_put(job);
            store_.gateway().release_wait();
          }) {
  if (parts_.cache)
    recall_from_.emplace(*parts_.cache, parts_.embedder.model(), parts_.embedder.dimensions(),
                         same_texts_, delivery_);

  flow::make_edge(fetch_, extract_);
  flow::make_edge(extract_, chunk_);
  flow::make_edge(chunk_, recall_);
  flow::make_edge(recall_, pack_);
  flow::make_edge(flow::output_port<0>(pack_), throttle_);
  // Documents with nothing to embed; if all are only measured, that is all of them.
  if (options_.measure_only) {
    flow::make_edge(flow::output_port<1>(pack_), finish_);
  } else {
    flow::make_edge(flow::output_port<1>(pack_), store_);
  }
  flow::make_edge(throttle_, embed_);
  flow::make_edge(embed_, keep_);
  flow::make_edge(keep_, deliver_);
  flow::make_edge(flow::output_port<0>(deliver_), store_);
  flow::make_edge(flow::output_port<1>(deliver_), pack_);      // to be tried again
  flow::make_edge(flow::output_port<2>(deliver_), throttle_);  // halves of what was refused
  flow::make_edge(store_, finish_);
}

Result<void> Pipeline::Graph::run() {
  graph_.reserve_wait();
  std::vector<std::thread> claims;
  for (const Lane lane : all_lanes) {
    if (queue_of(lane) == nullptr) continue;
    graph_.reserve_wait();
    claims.emplace_back([this, lane] {
      claim_and_admit(lane);
      graph_.release_wait();
    });
  }
  graph_.release_wait();
  std::thread ticks([this] { tick_until_stopped(); });

  graph_.wait_for_all();

  for (std::thread& thread : claims) thread.join();
  {
    const std::lock_guard lock(tick_mutex_);
    ticking_ = false;
  }
  tick_stop_.notify_one();
  ticks.join();
  graph_.wait_for_all();  // for a last tick that found nothing to do
  if (ended_early_) return pass_on(*ended_early_);
  return {};
}

template <typename Work>
void Pipeline::Graph::guarded(Stage stage, Job& job, Work work) {
  job.times.started(stage, now());
  try {
    work(job);
  } catch (const std::exception& error) {
    job.fail(Outcome::failed, std::string(name_of(stage)) + ": " + error.what());
  }
  job.times.finished(stage, now());
}

void Pipeline::Graph::claim_and_admit(Lane lane) {
  for (;;) {
    // A document that nobody can begin is left to workers that can.
    admission_of(lane).wait_for_room();
    std::optional<Claim> claim = queue_of(lane)->claim();
    if (!claim) break;
    // A document above the limit is never read, so it takes no room.
    const std::uint64_t bytes =
        claim->stamp.bytes > options_.document_bytes_max ? 0 : claim->stamp.bytes;
    const TimePoint claimed_at = now();
    const WallTime started_at = wall_now();
    Job* job = admission_of(lane).admit(std::move(*claim), bytes);
    job->times.claimed(claimed_at);
    job->times.started(Stage::admit, now());
    milestones_.reach(*job, Milestone::started, started_at);
    packing_.expect(lane);
    fetch_.try_put(job);
  }
}

void Pipeline::Graph::fetch(Job& job) {
  Result<std::optional<DocumentRecord>> known = find(job.claim.key);
  if (!known) {
    job.abandoned = known.error();
    return;
  }
  job.known = std::move(*known);
  if (job.claim.is_removal()) return;

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
  if (!file && file.error().kind == ErrorKind::misconfigured) {
    job.abandoned = file.error();
    return;
  }
  if (!file) return job.fail(Outcome::unreadable, file.error().message);
  job.file = std::move(*file);
  admission_of(job.lane).resize(job, job.file.bytes().size());
  job.version = VersionId::of(job.file.bytes(), options_.fingerprint);
  if (job.has_outcome_under(options_.fingerprint) && job.known->attempted == job.version)
    return job.keep_known_outcome();
  if (job.file.bytes().empty()) job.fail(Outcome::no_text, "the file is empty");
}

// A server is waited for once, not again for each document that was let in before.
Result<std::optional<DocumentRecord>> Pipeline::Graph::find(const std::string& key) {
  {
    const std::lock_guard lock(ledger_mutex_);
    if (ledger_failure_) return pass_on(*ledger_failure_);
  }
  Result<std::optional<DocumentRecord>> known = parts_.ledger.find(key);
  if (!known) {
    const std::lock_guard lock(ledger_mutex_);
    ledger_failure_ = known.error();
  }
  return known;
}

void Pipeline::Graph::take_over(Job& job, Extraction extraction) {
  job.outcome = extraction.outcome;
  job.message = std::move(extraction.message);
  job.text = std::move(extraction.text);
  job.pages = extraction.pages;
  job.times.finished_after(Stage::extract, now(), extraction.busy);
  if (!is_failure(job.outcome)) milestones_.reach(job, Milestone::extracted);
}

void Pipeline::Graph::chunk(Job& job) {
  job.file = {};
  job.chunks = chunk_text(job.text, parts_.tokenizer, options_.chunk);
  for (const Chunk& chunk : job.chunks) job.tokens += chunk.tokens;
  if (job.chunks.empty()) return job.fail(Outcome::no_text, {});
  const std::size_t floats = job.chunks.size() * parts_.embedder.dimensions();
  admission_of(job.lane).resize(job, job.text.utf8.size() + floats * sizeof(float));
  if (options_.measure_only) return;
  job.vectors.resize(floats);
  job.chunks_to_embed = job.chunks.size() + 1;
}

void Pipeline::Graph::recall(Job& job) {
  if (options_.measure_only) {
    recall_from_->look_up(job);
    return;
  }
  for (Job* other : recall_from_->recall(job)) store_.try_put(other);
}

void Pipeline::Graph::pack(const ToPack& message, PackNode::output_ports_type& ports) {
  Packing::Packs leaving;
  if (Job* const* job = std::get_if<Job*>(&message)) {
    if (!packing_.add(**job, leaving)) std::get<1>(ports).try_put(*job);
  } else if (Pack* const* returned = std::get_if<Pack*>(&message)) {
    packing_.add(*std::unique_ptr<Pack>(*returned), leaving);
  }
  packing_.flush(leaving);
  // Owned by whichever node holds it; `deliver` ends it.
  for (std::unique_ptr<Pack>& pack : leaving) std::get<0>(ports).try_put(pack.release());
}

void Pipeline::Graph::answered(Pack& pack, Embedding embedding) {
  const std::size_t floats = pack.inputs.size() * parts_.embedder.dimensions();
  if (embedding.receipt.answer == Answer::embedded && embedding.vectors.size() != floats) {
    embedding.receipt.answer = Answer::nonsense;
    embedding.message = "the embedder answered " + std::to_string(embedding.vectors.size()) +
                        " numbers instead of " + std::to_string(floats);
  }
  pack.blame = parts_.quota.settle(pack.grant, embedding.receipt);
  pack.embedding = std::move(embedding);
}

void Pipeline::Graph::deliver(Pack* pack, DeliverNode::output_ports_type& ports) {
  Delivered delivered = delivery_.deliver(std::unique_ptr<Pack>(pack));
  if (delivered.again) std::get<1>(ports).try_put(delivered.again.release());
  for (std::unique_ptr<Pack>& smaller : delivered.smaller) {
    smaller->packed_at = now();
    std::get<2>(ports).try_put(smaller.release());
  }
  for (Job* job : delivered.complete) std::get<0>(ports).try_put(job);
}

void Pipeline::Graph::finish(Job* job) {
  WorkQueue& queue = *queue_of(job->lane);
  if (job->abandoned || job->overtaken) queue.give_back(job->claim);
  if (job->abandoned) {
    const bool is_worse = job->abandoned->kind != ErrorKind::cancelled;
    if (!ended_early_ || (is_worse && ended_early_->kind == ErrorKind::cancelled))
      ended_early_ = job->abandoned;
    stop();
  } else if (!job->overtaken) {
    if (!options_.measure_only) {
      milestones_.tell_done(*job);
      queue.acknowledge(job->claim, job->outcome, job->message);
    }
    observer_({job->claim, job->outcome, job->message, job->unchanged, job->version, job->pages,
               job->chunks.size(), job->tokens, job->cached_tokens, job->times});
  }
  admission_of(job->lane).release(job);
}

// Takes nothing more, and pays for nothing more.
void Pipeline::Graph::stop() {
  for (const Lane lane : all_lanes)
    if (WorkQueue* queue = queue_of(lane)) queue->close();
  parts_.quota.stop();
}

void Pipeline::Graph::tick_until_stopped() {
  std::unique_lock lock(tick_mutex_);
  while (!tick_stop_.wait_for(lock, options_.pack_wait_max, [this] { return !ticking_; }))
    pack_.try_put({});
}

Pipeline::Pipeline(PipelineParts parts, PipelineOptions options, Observer observer)
    : graph_(std::make_unique<Graph>(std::move(parts), std::move(options), std::move(observer))) {}

Pipeline::~Pipeline() = default;

Result<void> Pipeline::run() {
  return graph_->run();
}

}  // namespace penstock
