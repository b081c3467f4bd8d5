// What a service tells Prometheus: sums and times of what happened, and how fleet, quota and
// catalog are at the moment.
//
// Names follow Prometheus' conventions. Labels come from closed sets, or there are as many values
// as there are living workers and configured keys; a path, an id or a tenant never is one. Series
// of a closed set are there from the start, at zero: rate() does not see the step from nothing to
// one.
//
// Every front of a service sees the same fleet and hears of every document, so across fronts those
// are to be taken once (max), and only what is named http, upload, rejected or database added up.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/lane.h"
#include "engine/core/outcome.h"
#include "engine/io/broker.h"
#include "engine/io/catalog.h"
#include "engine/io/shared_budget.h"
#include "engine/io/worker_report.h"

namespace penstock {

// A document is to be started so soon after it was accepted; later is counted as late.
inline constexpr std::chrono::seconds start_promise{10};

// What can be seen of a fleet at one moment. Absent: it could not be asked, and nothing is said of
// it.
struct FleetSample {
  std::optional<BrokerState> queue;
  std::optional<std::vector<WorkerReport>> workers;
  std::vector<BudgetUse> quotas;
  std::optional<CatalogTotals> catalog;
};

// What a document's time is split into, by its timeline.
enum class DocumentStage { extract, embed, store };

// Why a request was turned away.
enum class Rejection {
  rate,   // of its key
  depth,  // of the queue
  age,    // of the queue
  auth,
  size,
};

// Any thread, for all of it. Durations below zero, by clocks that disagree, count as zero.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // Replaces the last sample. A worker, a key or a part that is not in it any more is gone.
  void observe(FleetSample sample);

  // A worker took the document so long after it was accepted.
  void document_started(Lane lane, Duration after);
  // It has its outcome, so long after it was received; absent: it did not come through a service.
  void document_ended(Lane lane, Outcome outcome, std::optional<Duration> after);
  void stage_took(DocumentStage stage, Duration took);

  // `route` is the template that matched, such as /v1/documents/{id}, never a path. A method that
  // is none of HTTP's usual ones counts as "other".
  void http_answered(std::string_view method, std::string_view route, int code, Duration took);
  void http_connections(std::size_t open);
  void uploaded(std::uint64_t bytes);
  void rejected(Rejection reason);
  void database_connections(std::size_t busy, std::size_t idle);

  // In Prometheus' text format 0.0.4: families by name, series by labels.
  std::string text() const;

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace penstock
