#include "engine/backends/sqlite/sqlite_broker.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "engine/backends/sqlite/queue_statements.h"
#include "engine/io/fetched_claims.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

// How long an idle worker waits before it looks again.
constexpr milliseconds idle_pause{100};
// How long the size of a lane is believed.
constexpr std::chrono::seconds count_after{1};

// Several processes share it, so it is the machine's time.
std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A stamp of nothing equals nothing.
bool is_same_content(const Claim& one, const Claim& other) {
  return one.stamp != SourceStamp{} && one.stamp == other.stamp &&
         one.is_removal() == other.is_removal();
}

TimePoint now() {
  return std::chrono::steady_clock::now();
}

Result<void> run(Statement& statement) {
  return statement.run();
}

}  // namespace

// One lane, to the pipeline.
class SqliteBroker::LaneQueue final : public WorkQueue {
 public:
  LaneQueue(SqliteBroker& broker, Lane lane) : broker_(broker), lane_(lane) {}

  std::optional<Claim> claim() override {
    while (!fetched_.is_closed()) {
      if (std::optional<Claim> claim = fetched_.take()) return claim;
      Result<Fetched> fetched = broker_.fetch(lane_, fetched_.next_batch(now()));
      broker_.failure_.hear(fetched ? std::string() : fetched.error().message);
      if (fetched && fetched->nothing_left) break;
      if (!fetched || fetched->claims.empty()) {
        fetched_.is_closed_within(idle_pause);
        continue;
      }
      fetched_.have_come(now());
      for (Claim& claim : fetched->claims)
        if (!fetched_.add(std::move(claim))) give_back(claim);
    }
    return std::nullopt;
  }

  void acknowledge(const Claim& claim, Outcome outcome, const std::string& message) override {
    broker_.deliver_later({claim.key, outcome, message});
  }

  void give_back(const Claim& claim) override {
    broker_.deliver_later({claim.key, std::nullopt, {}});
  }

  std::vector<bool> holds(std::span<const std::string> keys) override {
    for (;;) {
      if (const Result<std::vector<bool>> held = broker_.holds(keys)) return *held;
      if (fetched_.is_closed_within(idle_pause)) return std::vector<bool>(keys.size(), false);
    }
  }

  void close() override {
    for (const Claim& claim : fetched_.close()) give_back(claim);
  }

 private:
  SqliteBroker& broker_;
  const Lane lane_;
  FetchedClaims fetched_;
};

SqliteBroker::SqliteBroker(const std::string& path, BrokerOptions options)
    : options_(std::move(options)),
      writer_(path, OpenMode::write),
      writes_(std::make_unique<QueueStatements>(writer_)),
      random_(std::random_device()()),
      batches_(writer_),
      reader_(path, OpenMode::read),
      reads_(std::make_unique<QueueStatements>(reader_)),
      thread_([this] { deliver_and_renew(); }) {
  for (const Lane lane : all_lanes)
    lanes_[index_of(lane)] = std::make_unique<LaneQueue>(*this, lane);
}

SqliteBroker::~SqliteBroker() {
  for (const auto& lane : lanes_) lane->close();
  {
    const std::lock_guard lock(delivery_mutex_);
    ending_ = true;
  }
  to_deliver_.notify_one();
  thread_.join();
  if (!options_.worker.empty())
    static_cast<void>(batches_.write([this] {
      return run(writes_->forget_worker.bind_text(1, options_.queue).bind_text(2, options_.worker));
    }));
}

WorkQueue& SqliteBroker::queue(Lane lane) {
  return *lanes_[index_of(lane)];
}

Result<std::vector<Enqueued>> SqliteBroker::enqueue(std::span<const Claim> documents, Lane lane) {
  std::vector<Enqueued> all;
  const Result<void> done = batches_.write([&]() -> Result<void> {
    for (const Claim& document : documents) {
      const Result<Enqueued> one = enqueue_one(document, lane);
      if (!one) return pass_on(one.error());
      all.push_back(*one);
    }
    return {};
  });
  if (!done) return pass_on(done.error());
  return all;
}

Result<Enqueued> SqliteBroker::enqueue_one(const Claim& document, Lane lane) {
  using State = QueuedDocument::State;
  const Result<std::optional<QueuedDocument>> found = find_one(*writes_, document.key);
  if (!found) return pass_on(found.error());
  const std::optional<QueuedDocument>& old = *found;
  if (old && is_same_content(old->claim, document))
    return old->state == State::dead ? Enqueued::dead : Enqueued::known;
  if (old && old->state == State::leased) {
    Statement& follow = writes_->follow;
    bind_claim(follow, document);
    follow.bind_text(1, options_.queue).bind_text(8, name_of(lane));
    if (auto done = follow.run(); !done) return pass_on(done.error());
    return Enqueued::follows;
  }
  const bool replaces = old && old->state != State::dead;
  if (!replaces) {
    const Result<bool> room = has_room(lane);
    if (!room) return pass_on(room.error());
    if (!*room) return Enqueued::full;
  }
  Statement& put = writes_->put;
  bind_claim(put, document);
  put.bind_text(1, options_.queue).bind_text(8, name_of(lane)).bind(9, now_ms());
  if (auto done = put.run(); !done) return pass_on(done.error());
  if (replaces) return Enqueued::replaced;
  ++sizes_[index_of(lane)].documents;
  return Enqueued::queued;
}

// To count takes longer the more there are, so it is not done for each. What other processes
// enqueued since the last time is not known.
Result<bool> SqliteBroker::has_room(Lane lane) {
  LaneSize& size = sizes_[index_of(lane)];
  const TimePoint counted = now();
  if (size.documents < options_.documents_max && counted - size.counted < count_after) return true;
  Statement& count = writes_->size;
  count.bind_text(1, options_.queue).bind_text(2, name_of(lane));
  if (const auto row = count.step(); !row) return pass_on(row.error());
  size = {count.natural(0), counted};
  count.reset();
  return size.documents < options_.documents_max;
}

Result<SqliteBroker::Fetched> SqliteBroker::fetch(Lane lane, std::size_t documents_max) {
  Fetched fetched;
  const Result<void> done = batches_.write([&]() -> Result<void> {
    const std::int64_t now = now_ms();
    const auto bound_to_lane = [&](Statement& statement) -> Statement& {
      return statement.bind_text(1, options_.queue).bind_text(2, name_of(lane));
    };
    if (auto ended = run(bound_to_lane(writes_->end_delays).bind(3, now)); !ended) return ended;
    if (auto ended = end_leases(lane, now); !ended) return ended;

    Statement& next = bound_to_lane(writes_->next).bind(3, documents_max);
    for (;;) {
      const Result<bool> row = next.step();
      if (!row) return pass_on(row.error());
      if (!*row) break;
      fetched.claims.push_back(read_claim(next));
      fetched.claims.back().again = next.integer(6) != 0;
    }
    next.reset();
    for (const Claim& claim : fetched.claims) {
      auto leased = run(writes_->lease.bind_text(1, options_.queue)
                            .bind_text(2, claim.key)
                            .bind_text(3, options_.worker)
                            .bind(4, now + options_.lease.count()));
      if (!leased) return leased;
    }
    if (!options_.until_empty || !fetched.claims.empty()) return {};
    Statement& is_empty = bound_to_lane(writes_->is_empty);
    if (const auto answer = is_empty.step(); !answer) return pass_on(answer.error());
    fetched.nothing_left = is_empty.integer(0) != 0;
    is_empty.reset();
    return {};
  });
  if (!done) return pass_on(done.error());
  return fetched;
}

// Not its own, which may have ended while the machine slept: it has those documents still, and
// cannot tell two claims of one by their key.
Result<void> SqliteBroker::end_leases(Lane lane, std::int64_t now) {
  Statement& expired = writes_->expired.bind_text(1, options_.queue)
                           .bind_text(2, name_of(lane))
                           .bind(3, now)
                           .bind_text(4, options_.worker);
  std::vector<std::string> abandoned;
  for (;;) {
    const Result<bool> row = expired.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    abandoned.emplace_back(expired.bytes(0));
  }
  expired.reset();
  for (const std::string& key : abandoned)
    if (auto ended = advance(key, std::nullopt, {}); !ended) return ended;
  return {};
}

// An attempt at a leased document has ended: with this outcome, or with its worker.
Result<void> SqliteBroker::advance(const std::string& key, std::optional<Outcome> outcome,
                                   const std::string& reason) {
  const auto bound = [&](Statement& statement) -> Statement& {
    return statement.bind_text(1, options_.queue).bind_text(2, key);
  };
  // A newer content begins anew, whatever became of this one.
  Statement& follower = bound(writes_->follower);
  const Result<bool> followed = follower.step();
  if (!followed) return pass_on(followed.error());
  if (*followed) {
    const Claim next = read_claim(follower);
    Statement& put = writes_->put;
    bind_claim(put, next);
    put.bind_text(1, options_.queue).bind_text(8, follower.bytes(6)).bind(9, now_ms());
    Result<void> done = put.run();
    follower.reset();
    if (!done) return done;
    return run(bound(writes_->remove_follower));
  }
  follower.reset();
  if (outcome && !is_failure(*outcome)) return run(bound(writes_->remove));

  const Result<std::optional<QueuedDocument>> found = find_one(*writes_, key);
  if (!found) return pass_on(found.error());
  const std::uint32_t attempts = (*found ? (*found)->attempts : 0) + 1;
  const bool again =
      attempts < options_.attempts_max && (!outcome || is_worth_another_attempt(*outcome));
  if (!again) {
    const std::string why = outcome ? reason : reason_of_deaths(attempts);
    return run(bound(writes_->bury)
                   .bind(3, attempts)
                   .bind_text(4, name_of(outcome.value_or(Outcome::crashed)))
                   .bind_text(5, why));
  }
  const double fraction = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  const std::int64_t pause = outcome ? pause_after(attempts, fraction, options_).count() : 0;
  return run(bound(writes_->wait_again)
                 .bind_text(3, outcome ? "delayed" : "waiting")
                 .bind(4, now_ms() + pause)
                 .bind(5, attempts));
}

void SqliteBroker::deliver_later(Delivery delivery) {
  {
    const std::lock_guard lock(delivery_mutex_);
    deliveries_.push_back(std::move(delivery));
  }
  to_deliver_.notify_one();
}

void SqliteBroker::deliver_and_renew() {
  const milliseconds renew_every = options_.lease / 5;
  auto renewed = std::chrono::steady_clock::now();
  std::unique_lock lock(delivery_mutex_);
  for (;;) {
    to_deliver_.wait_until(lock, renewed + renew_every,
                           [this] { return ending_ || !deliveries_.empty(); });
    if (ending_ && deliveries_.empty()) return;
    std::vector<Delivery> deliveries = std::exchange(deliveries_, {});
    lock.unlock();
    deliveries = deliver(std::move(deliveries));
    lock.lock();
    // The disk may be full. While this process lives it renews the lease, so nobody else will.
    if (!deliveries.empty() && !ending_) {
      std::ranges::move(deliveries, std::back_inserter(deliveries_));
      to_deliver_.wait_for(lock, idle_pause, [this] { return ending_; });
    }
    if (std::chrono::steady_clock::now() < renewed + renew_every) continue;
    lock.unlock();
    static_cast<void>(renew_leases());
    renewed = std::chrono::steady_clock::now();
    lock.lock();
  }
}

std::vector<SqliteBroker::Delivery> SqliteBroker::deliver(std::vector<Delivery> deliveries) {
  if (deliveries.empty() || deliver_together(deliveries)) return {};
  std::erase_if(deliveries, [this](const Delivery& one) {
    return deliver_together({&one, 1}).has_value();
  });
  return deliveries;
}

Result<void> SqliteBroker::deliver_together(std::span<const Delivery> deliveries) {
  return batches_.write([&]() -> Result<void> {
    for (const Delivery& delivery : deliveries)
      if (Result<void> done = deliver_one(delivery); !done) return done;
    return {};
  });
}

Result<void> SqliteBroker::deliver_one(const Delivery& delivery) {
  const Result<std::optional<std::int64_t>> attempts = attempts_of_mine(*writes_, delivery.key);
  if (!attempts) return pass_on(attempts.error());
  if (!*attempts) return {};  // its lease had ended, and another worker has it
  if (delivery.outcome) return advance(delivery.key, delivery.outcome, delivery.message);
  return run(writes_->wait_again.bind_text(1, options_.queue)
                 .bind_text(2, delivery.key)
                 .bind_text(3, "waiting")
                 .bind(4, now_ms())
                 .bind(5, **attempts));
}

Result<std::optional<std::int64_t>> SqliteBroker::attempts_of_mine(QueueStatements& statements,
                                                                   const std::string& key) {
  Statement& owned = statements.owned;
  owned.bind_text(1, options_.queue).bind_text(2, key).bind_text(3, options_.worker);
  const Result<bool> row = owned.step();
  if (!row) return pass_on(row.error());
  std::optional<std::int64_t> attempts;
  if (*row) attempts = owned.integer(0);
  owned.reset();
  return attempts;
}

Result<std::vector<bool>> SqliteBroker::holds(std::span<const std::string> keys) {
  const std::lock_guard lock(read_mutex_);
  std::vector<bool> held;
  for (const std::string& key : keys) {
    const Result<std::optional<std::int64_t>> attempts = attempts_of_mine(*reads_, key);
    if (!attempts) return pass_on(attempts.error());
    held.push_back(attempts->has_value());
  }
  return held;
}

Result<void> SqliteBroker::renew_leases() {
  if (options_.worker.empty()) return {};
  return batches_.write([&] {
    return run(writes_->renew.bind_text(1, options_.queue)
                   .bind_text(2, options_.worker)
                   .bind(3, now_ms() + options_.lease.count()));
  });
}

Result<BrokerState> SqliteBroker::state() {
  const std::lock_guard lock(read_mutex_);
  const std::int64_t now = now_ms();
  BrokerState state;
  Statement& count = reads_->count;
  count.bind_text(1, options_.queue);
  for (;;) {
    const Result<bool> row = count.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    LaneDepth& lane =
        state.of(count.bytes(0) == name_of(Lane::bulk) ? Lane::bulk : Lane::interactive);
    const std::string_view what = count.bytes(1);
    if (what == "waiting") {
      lane.waiting = count.natural(2);
      lane.oldest = milliseconds(std::max<std::int64_t>(now - count.integer(3), 0));
    } else if (what == "leased") {
      lane.leased = count.natural(2);
    } else if (what == "delayed") {
      lane.delayed = count.natural(2);
    } else {
      state.dead += count.natural(2);
    }
  }
  count.reset();
  return state;
}

Result<std::vector<std::optional<QueuedDocument>>> SqliteBroker::find(
    std::span<const std::string> keys) {
  const std::lock_guard lock(read_mutex_);
  std::vector<std::optional<QueuedDocument>> all;
  all.reserve(keys.size());
  for (const std::string& key : keys) {
    Result<std::optional<QueuedDocument>> found = find_one(*reads_, key);
    if (!found) return pass_on(found.error());
    all.push_back(*std::move(found));
  }
  return all;
}

Result<std::optional<QueuedDocument>> SqliteBroker::find_one(QueueStatements& statements,
                                                             const std::string& key) {
  Statement& find = statements.find;
  const Result<bool> row = find.bind_text(1, options_.queue).bind_text(2, key).step();
  if (!row) return pass_on(row.error());
  std::optional<QueuedDocument> document;
  if (*row) document = read_document(find);
  find.reset();
  return document;
}

Result<void> SqliteBroker::report(const WorkerReport& report) {
  const std::string text = to_text(report);
  return batches_.write([&] {
    const std::int64_t now = now_ms();
    if (auto done = run(writes_->forget_workers.bind_text(1, options_.queue)
                            .bind(2, now - options_.lease.count()));
        !done)
      return done;
    return run(writes_->report.bind_text(1, options_.queue)
                   .bind_text(2, report.worker)
                   .bind(3, now)
                   .bind_text(4, text));
  });
}

Result<std::vector<WorkerReport>> SqliteBroker::workers() {
  const std::lock_guard lock(read_mutex_);
  std::vector<WorkerReport> all;
  Statement& workers = reads_->workers;
  workers.bind_text(1, options_.queue).bind(2, now_ms() - options_.lease.count());
  for (;;) {
    const Result<bool> row = workers.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    all.push_back(parse_worker_report(workers.bytes(0)));
  }
  workers.reset();
  return all;
}

Result<void> SqliteBroker::for_each_dead(const std::function<bool(const QueuedDocument&)>& visit) {
  const std::lock_guard lock(read_mutex_);
  Statement& dead = reads_->dead;
  dead.bind_text(1, options_.queue);
  for (;;) {
    const Result<bool> row = dead.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    if (!visit(read_document(dead))) break;
  }
  dead.reset();
  return {};
}

Result<std::uint64_t> SqliteBroker::retry(std::span<const std::string> keys) {
  std::uint64_t revived = 0;
  const Result<void> done = batches_.write([&]() -> Result<void> {
    for (const std::string& key : keys) {
      Statement& revive = writes_->revive;
      revive.bind_text(1, options_.queue).bind_text(2, key).bind(3, now_ms());
      const Result<bool> row = revive.step();
      if (!row) return pass_on(row.error());
      if (*row) ++revived;
      revive.reset();
    }
    return {};
  });
  if (!done) return pass_on(done.error());
  return revived;
}

}  // namespace penstock
