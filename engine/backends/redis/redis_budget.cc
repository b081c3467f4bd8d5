#include "engine/backends/redis/redis_budget.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <span>
#include <utility>

#include "engine/backends/redis/budget_terms.h"
#include "engine/core/sha256.h"

namespace penstock {
namespace {

// A lease that comes later than it is valid is of no use.
constexpr RedisOptions redis_options{std::chrono::milliseconds(2'000),
                                     std::chrono::milliseconds(2'000)};

// Of what the script says of each key's use.
constexpr std::size_t fields_of_a_key = 5;

std::int64_t micros(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

std::string default_name(const std::string& terms) {
  const Sha256 digest = sha256(terms);
  return to_hex({reinterpret_cast<const char*>(digest.data()), 8});
}

std::string key_prefix(const std::string& name) {
  return "penstock:{quota:" + name + "}:";
}

// A call that only asks how the keys are used.
LeaseCall question(const BudgetTerms& terms) {
  LeaseCall call;
  call.usable.resize(terms.keys.size());
  return call;
}

std::string of_another_version(const std::string& server) {
  return server + ": the quota there is that of another version of penstock; end all its workers";
}

// The budget counts a late request in the slot in which it may have left.
std::uint64_t slot_of(const LeaseEnd& end) {
  return end.lease.slot +
         static_cast<std::uint64_t>((end.late + budget_slot - Duration(1)) / budget_slot);
}

Scarce scarce_of(std::int64_t number) {
  return number == 0 ? Scarce::tokens : number == 1 ? Scarce::requests : Scarce::pause;
}

}  // namespace

RedisBudget::RedisBudget(const std::string& url, BudgetTerms terms, std::string name,
                         const char* script)
    : terms_(std::move(terms)),
      terms_text_(to_text(terms_)),
      name_(name.empty() ? default_name(terms_text_) : std::move(name)),
      script_(script),
      redis_(url, redis_options) {
  assert(!terms_.keys.empty());
  const std::string prefix = key_prefix(name_);
  keys_.push_back(prefix + "budget");
  for (std::size_t key = 0; key < terms_.keys.size(); ++key) {
    keys_.push_back(prefix + "key:" + std::to_string(key));
  }
  redis_.require_sound();
  const Result<LeaseAnswer> answer = lease(question(terms_));
  if (!answer) throw FatalError(answer.error().message);
}

Result<LeaseAnswer> RedisBudget::lease(const LeaseCall& call) {
  const TimePoint now = std::chrono::steady_clock::now();
  const std::array<RedisScriptCall, 1> calls{RedisScriptCall{keys_, arguments(call, now)}};
  const std::vector<Result<RedisReply>> replies = redis_.run_script(script_, calls);
  // Whatever a server in trouble says, work waits until it is well.
  if (!replies.front()) return retryable_error(replies.front().error().message);
  return read(*replies.front(), call, now);
}

// In the order in which the script reads them.
std::vector<std::string> RedisBudget::arguments(const LeaseCall& call, TimePoint now) {
  const bool has_leased_lately = leased_at_ && now <= *leased_at_ + budget_window_held;
  std::vector<std::string> arguments{terms_text_, epoch_,
                                     std::to_string(random_()) + "-" + std::to_string(random_()),
                                     has_leased_lately ? "1" : "0"};
  const auto add = [&arguments](auto number) { arguments.push_back(std::to_string(number)); };
  for (const Duration duration :
       {budget_slot, budget_slot_held, burst_max, ask_again_max, interactive_grace, bulk_grace}) {
    add(micros(duration));
  }
  add(interactive_tokens_a_bulk_token);
  arguments.push_back(shortest_text(terms_.interactive_share));
  for (const KeyQuota& key : terms_.keys) {
    add(key.requests_per_minute);
    add(key.tokens_per_minute);
  }
  const auto is_remembered = [this](const LeaseEnd& end) { return end.lease.memory == memory_; };
  add(std::ranges::count_if(call.ends, is_remembered));
  for (const LeaseEnd& end : call.ends) {
    if (!is_remembered(end)) continue;
    add(end.lease.key + 1);
    add(end.lease.slot);
    add(slot_of(end));
    add(end.lease.tokens);
    add(end.sent ? end.tokens : 0);
    add(end.sent ? 1 : 0);
  }
  add(call.reports.size());
  for (const KeyReport& report : call.reports) {
    add(report.key + 1);
    add(micros(report.pause));
    add(report.requests_per_minute);
    add(report.tokens_per_minute);
  }
  for (const bool usable : call.usable) add(usable ? 1 : 0);
  add(call.wishes.size());
  for (const Wish& wish : call.wishes) {
    add(wish.tokens);
    add(wish.lane == Lane::bulk ? 1 : 0);
  }
  return arguments;
}

Result<LeaseAnswer> RedisBudget::read(const RedisReply& reply, const LeaseCall& call,
                                      TimePoint called_at) {
  const std::vector<RedisReply>& parts = reply.elements;
  if (parts.size() == 2) {
    return permanent_error("the quota " + name_ + " on " + redis_.name() +
                           " is shared by processes with other limits (" + parts[1].text +
                           "; here: " + terms_text_ +
                           "): start all with the same, two minutes after the last has ended");
  }
  if (parts.size() != 7 || parts[6].elements.size() != fields_of_a_key * terms_.keys.size()) {
    return permanent_error(of_another_version(redis_.name()));
  }
  LeaseAnswer answer;
  if (parts[1].text != epoch_) ++memory_;
  epoch_ = parts[1].text;
  const auto slot = static_cast<std::uint64_t>(parts[2].integer);
  const std::vector<RedisReply>& leases = parts[3].elements;
  for (std::size_t i = 0; i + 1 < leases.size(); i += 2) {
    const auto wish = static_cast<std::size_t>(leases[i].integer);
    answer.leases.push_back({wish, static_cast<std::size_t>(leases[i + 1].integer),
                             call.wishes[wish].tokens, slot, memory_, called_at + lease_valid_for});
  }
  if (!answer.leases.empty()) leased_at_ = called_at;
  for (const Lane lane : all_lanes) {
    const std::vector<RedisReply>& denial = parts[4 + index_of(lane)].elements;
    if (denial[0].integer < 0) continue;
    answer.denials[index_of(lane)] =
        Denial{std::chrono::microseconds(denial[0].integer), scarce_of(denial[1].integer)};
  }
  const std::vector<RedisReply>& uses = parts[6].elements;
  for (std::size_t i = 0; i < uses.size(); i += fields_of_a_key) {
    const auto number = [&](std::size_t of) {
      return static_cast<std::uint64_t>(uses[i + of].integer);
    };
    answer.keys.push_back({number(0), number(1), number(2), number(3),
                           std::chrono::microseconds(uses[i + 4].integer)});
  }
  return answer;
}

std::optional<BudgetUse> use_of_budget(const std::string& url, const std::string& name) {
  const std::string key = key_prefix(name) + "budget";
  Redis redis(url, redis_options);
  const Result<RedisReply> text = redis.run(key, {"HGET", key, "terms"});
  if (!text) throw FatalError(text.error().message);
  if (text->kind == RedisReply::Kind::nil) return std::nullopt;
  std::optional<BudgetTerms> terms = parse_budget_terms(text->text);
  if (!terms) throw FatalError(of_another_version(redis.name()));
  RedisBudget budget(url, *terms, name);
  Result<LeaseAnswer> answer = budget.lease(question(*terms));
  if (!answer) throw FatalError(answer.error().message);
  return BudgetUse{*std::move(terms), std::move(answer->keys)};
}

}  // namespace penstock
