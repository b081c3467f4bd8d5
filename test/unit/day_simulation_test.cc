// A backfill of a day in simulated time: 10,000 documents through one key of 3,000 requests and
// 90,000 tokens a minute, with the faults that a day brings.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <vector>

#include "engine/core/random.h"
#include "loadgen/emulate/quota_enforcer.h"
#include "test/support/catch.h"
#include "test/support/simulated_service.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Sent = SimulatedService::Sent;
using Reply = SimulatedService::Reply;

constexpr std::uint64_t tokens_a_minute = 90'000;
constexpr std::uint64_t requests_a_minute = 3'000;

double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1.0p-53;
}

// Sizes as measured on real documents: log-normal, median 4,000 tokens, mean about 11,000.
std::vector<std::uint64_t> document_sizes(Random& random) {
  std::vector<std::uint64_t> sizes;
  for (int i = 0; i < 10'000; ++i) {
    const double normal =
        std::sqrt(-2 * std::log(1 - uniform(random))) * std::cos(6.283185307 * uniform(random));
    sizes.push_back(
        static_cast<std::uint64_t>(std::clamp(4'000 * std::exp(1.42 * normal), 20.0, 400'000.0)));
  }
  return sizes;
}

// Requests of one or two chunks of at most 512 tokens, of one document or of neighbours.
class Backfill {
 public:
  struct Request {
    std::vector<std::size_t> documents;  // a chunk each
    std::uint64_t tokens = 0;
  };

  explicit Backfill(std::vector<std::uint64_t> sizes)
      : sizes_(std::move(sizes)), chunks_left_(sizes_.size()) {
    for (std::size_t i = 0; i < sizes_.size(); ++i) chunks_left_[i] = (sizes_[i] + 511) / 512;
  }

  bool exhausted() const { return document_ == sizes_.size(); }
  Request next() {
    Request request;
    while (!exhausted() && request.documents.size() < 2) {
      const std::uint64_t chunk = std::min<std::uint64_t>(512, sizes_[document_] - offset_);
      request.documents.push_back(document_);
      request.tokens += chunk;
      offset_ += chunk;
      if (offset_ < sizes_[document_]) continue;
      ++document_;
      offset_ = 0;
    }
    return request;
  }
  void embedded(const Request& request) {
    for (const std::size_t document : request.documents) {
      if (--chunks_left_[document] == 0) ++done_;
    }
  }
  std::size_t done() const { return done_; }

 private:
  const std::vector<std::uint64_t> sizes_;
  std::vector<std::uint64_t> chunks_left_;
  std::size_t document_ = 0;
  std::uint64_t offset_ = 0;
  std::size_t done_ = 0;
};

// One request in a hundred fails, one way or another.
Reply answer(Random& random, const Sent& sent) {
  Reply reply;
  reply.latency = std::chrono::milliseconds(50 + random.below(751));
  switch (random.below(500)) {
    case 0:
      reply.receipt.answer = Answer::rate_limited;
      break;
    case 1:
      reply.receipt.answer = Answer::rate_limited;
      reply.receipt.limits.retry_after = 1s;
      break;
    case 2:
      reply.receipt.answer = Answer::failed;
      break;
    case 3:
      reply.receipt.answer = Answer::nonsense;
      break;
    case 4:
      reply.receipt.answer = Answer::failed;  // a timeout
      reply.latency = 30s;
      break;
    default:
      reply.receipt.tokens = sent.grant.tokens;
      break;
  }
  return reply;
}

TEST_CASE("day simulation: ten thousand documents use the quota whole and never exceed it") {
  Random random(2'024);
  const std::vector<std::uint64_t> sizes = document_sizes(random);
  std::uint64_t tokens = 0;
  for (const std::uint64_t size : sizes) tokens += size;
  REQUIRE(tokens > 105'000'000);
  REQUIRE(tokens < 118'000'000);

  Backfill backfill(sizes);
  ThrottleOptions options;
  options.endpoint = "http://embed";
  SimulatedService service({{"A", requests_a_minute, tokens_a_minute}}, options,
                           [&random](const Sent& sent) { return answer(random, sent); });
  std::map<std::uint64_t, Backfill::Request> requests;  // under way, by what submit() named them
  TimePoint last_submitted{};
  const auto submit = [&](Backfill::Request request) {
    const std::uint64_t request_tokens = request.tokens;
    requests.emplace(service.submit(request_tokens), std::move(request));
    last_submitted = service.now;
  };
  service.settled = [&](const Sent& sent, const Receipt& receipt, Blame) {
    auto ended = requests.extract(sent.request);
    if (receipt.answer == Answer::embedded) {
      backfill.embedded(ended.mapped());
    } else {
      submit(std::move(ended.mapped()));
    }
    if (!backfill.exhausted() && requests.size() < 100) submit(backfill.next());
  };
  const TimePoint start = service.now;
  for (int i = 0; i < 100; ++i) submit(backfill.next());
  service.run_until(start + 24h);

  CHECK(backfill.done() == 10'000);
  CHECK(service.refused.empty());

  std::vector<Arrival> arrivals = service.tokens_of(0);
  std::uint64_t steady_tokens = 0;
  const TimePoint steady_from = start + 2min;
  const TimePoint steady_to = last_submitted - 5min;
  for (const Arrival& sent : arrivals) {
    if (sent.at >= steady_from && sent.at < steady_to) steady_tokens += sent.amount;
  }
  const double utilisation =
      static_cast<double>(steady_tokens) /
      (static_cast<double>(tokens_a_minute) * ((steady_to - steady_from) / 1.0min));
  CAPTURE(utilisation);
  CHECK(utilisation >= 0.99);

  // The emulator's account, which knows nothing of the client's, is the judge.
  for (Arrival& arrival : arrivals) arrival.at += std::chrono::microseconds(random.below(80'001));
  std::ranges::sort(arrivals, {}, &Arrival::at);
  QuotaEnforcer enforcer;
  enforcer.add_key({requests_a_minute, tokens_a_minute});
  for (const Arrival& arrival : arrivals) enforcer.ask(0, arrival.amount, arrival.at);
  const QuotaUse use = enforcer.use(0);
  CHECK(use.violations == 0);
  CHECK(use.overshoot_requests_max == 0);
  CHECK(use.overshoot_tokens_max == 0);
}

}  // namespace
}  // namespace penstock
