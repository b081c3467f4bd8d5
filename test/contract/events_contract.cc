#include "test/contract/events_contract.h"

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "test/support/catch.h"
#include "test/support/heard_events.h"

namespace penstock {
namespace {

DocumentEvent event(const std::string& key, Milestone milestone) {
  return {key, milestone, Lane::interactive, WallTime(std::chrono::milliseconds(1'732'000'000'123)),
          {},  {}};
}

std::vector<std::string> numbers(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
  return all;
}

}  // namespace

void run_events_contract(Events& publisher, Events& watcher) {
  SECTION("what is published is heard as it was") {
    std::vector<DocumentEvent> published;
    for (const Milestone milestone : {Milestone::received, Milestone::queued, Milestone::started,
                                      Milestone::extracted, Milestone::embedded, Milestone::stored})
      published.push_back(event("tenant/document", milestone));
    DocumentEvent done = event(" Größe \"x\" \\n\n漢字 \t\r", Milestone::done);
    done.lane = Lane::bulk;
    done.at = {};
    done.outcome = Outcome::done;
    published.push_back(done);
    done.outcome = Outcome::corrupt;
    done.message = "page 3:\n\n\\ \"damaged\" ";
    published.push_back(done);

    HeardEvents heard;
    const auto subscription = watcher.subscribe(heard.listener());
    for (const DocumentEvent& each : published) publisher.publish(each);
    heard.wait_for(published.size());
    const std::vector<DocumentEvent> all = heard.all();
    REQUIRE(all.size() == published.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(all[i].key == published[i].key);
      CHECK(all[i].milestone == published[i].milestone);
      CHECK(all[i].lane == published[i].lane);
      CHECK(all[i].at == published[i].at);
      CHECK(all[i].outcome == published[i].outcome);
      CHECK(all[i].message == published[i].message);
    }
  }

  SECTION("a burst is heard in order by everybody") {
    const std::vector<std::string> keys = numbers(10'000);
    HeardEvents first;
    HeardEvents second;
    const auto one = watcher.subscribe(first.listener());
    const auto other = watcher.subscribe(second.listener());
    for (const std::string& key : keys) publisher.publish(event_of(key));
    first.wait_for(keys.size());
    second.wait_for(keys.size());
    CHECK(first.keys() == keys);
    CHECK(second.keys() == keys);
  }

  SECTION("a listener is called by one at a time whoever publishes") {
    std::atomic<bool> is_called{false};
    std::atomic<int> overlaps{0};
    HeardEvents heard;
    const auto subscription =
        watcher.subscribe([&, hear = heard.listener()](const DocumentEvent& each) {
          if (is_called.exchange(true)) ++overlaps;
          hear(each);
          is_called = false;
        });
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) publisher.publish(event_of("a"));
      });
    for (std::thread& thread : threads) thread.join();
    heard.wait_for(2'000);
    CHECK(overlaps == 0);
  }

  SECTION("what is published before anybody listens is nobody's") {
    publisher.publish(event_of("before"));
    { watcher.subscribe(HeardEvents().listener()).reset(); }
    HeardEvents heard;
    const auto subscription = watcher.subscribe(heard.listener());
    publisher.publish(event_of("after"));
    heard.wait_for("after");
  }

  SECTION("who has ended hears nothing more and the others do") {
    HeardEvents first;
    HeardEvents second;
    auto ended = watcher.subscribe(first.listener());
    const auto stays = watcher.subscribe(second.listener());
    publisher.publish(event_of("a"));
    first.wait_for("a");
    ended.reset();
    publisher.publish(event_of("b"));
    second.wait_for("b");
    CHECK(first.keys() == std::vector<std::string>{"a"});
    CHECK(second.keys() == std::vector<std::string>{"a", "b"});
  }

  SECTION("a listener that stands still holds up nobody else") {
    const std::vector<std::string> keys = numbers(2'000);
    std::promise<void> release;
    HeardEvents slow;
    HeardEvents quick;
    const auto stands_still =
        watcher.subscribe([&, hear = slow.listener(),
                           released = release.get_future().share()](const DocumentEvent& each) {
          released.wait();
          hear(each);
        });
    const auto goes_on = watcher.subscribe(quick.listener());
    for (const std::string& key : keys) publisher.publish(event_of(key));
    quick.wait_for(keys.size());
    CHECK(slow.all().empty());
    release.set_value();
    slow.wait_for(keys.size());
    CHECK(slow.keys() == keys);
  }

  SECTION("an end waits for the call that is under way") {
    std::promise<void> called;
    std::promise<void> release;
    std::atomic<bool> returned{false};
    auto subscription =
        watcher.subscribe([&, released = release.get_future().share()](const DocumentEvent&) {
          called.set_value();
          released.wait();
          returned = true;
        });
    publisher.publish(event_of("a"));
    called.get_future().wait();
    std::promise<void> ending;
    bool had_returned = false;
    std::thread end([&] {
      ending.set_value();
      subscription.reset();
      had_returned = returned;
    });
    ending.get_future().wait();
    release.set_value();
    end.join();
    CHECK(had_returned);
  }
}

}  // namespace penstock
