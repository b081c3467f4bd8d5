#include "reports/json_parts.h"
#include "reports/measured.h"
#include "reports/writers.h"

namespace penstock {
namespace {

Json seconds(const std::optional<Offset>& time) {
  return time ? Json(rounded(in_seconds(*time))) : Json(nullptr);
}

Json target_json(const TargetResult& result) {
  return {{"name", result.target.name},
          {"measure", name_of(result.target.measure)},
          {"limit", rounded(result.target.limit)},
          {"fraction", rounded(result.target.fraction)},
          {"kind", result.target.kind.empty() ? Json(nullptr) : Json(result.target.kind)},
          {"verdict", name_of(result.verdict)},
          {"value", number(result.value)},
          {"low", number(result.value_low)},
          {"high", number(result.value_high)},
          {"documents", result.documents},
          {"misses", result.misses},
          {"misses_allowed", result.misses_allowed},
          {"needed", result.more_needed},
          {"sentence", result.sentence}};
}

Json check_json(const Check& check) {
  return {{"name", check.name},        {"holds", check.holds},
          {"value", check.value},      {"limit", check.limit},
          {"fails", check.is_failure}, {"sentence", check.holds ? "" : check.sentence}};
}

Json conservation_json(const Conservation& sums) {
  return {{"holds", sums.holds},   {"intended", sums.intended}, {"accepted", sums.accepted},
          {"done", sums.done},     {"failed", sums.failed},     {"refused", sums.refused},
          {"broken", sums.broken}, {"dropped", sums.dropped},   {"in_flight", sums.in_flight},
          {"lost", sums.lost},     {"twice", sums.twice}};
}

Json stage_json(const StageShare& stage) {
  return {{"name", stage.name},
          {"mean_s", rounded(stage.mean_s)},
          {"p50_s", rounded(stage.p50_s)},
          {"p99_s", rounded(stage.p99_s)},
          {"share", rounded(stage.share)}};
}

Json resource_json(const Resource& resource) {
  return {{"name", resource.name},
          {"utilisation", rounded(resource.utilisation)},
          {"used", rounded(resource.used)},
          {"limit", resource.limit > 0 ? Json(rounded(resource.limit)) : Json(nullptr)},
          {"unit", resource.unit},
          {"roofline", number(resource.roofline)}};
}

Json quantile_json(const QuantilePoint& point) {
  return {{"fraction", rounded(point.fraction)},
          {"from_intended_s", rounded(point.from_intended_s)},
          {"from_issued_s", rounded(point.from_issued_s)},
          {"certain", point.is_certain}};
}

Json step_json(const LoadStep& step) {
  return {{"phase", step.phase},
          {"offered", rounded(step.offered)},
          {"finished", rounded(step.finished)},
          {"p50_s", rounded(step.p50_s)},
          {"p99_s", rounded(step.p99_s)},
          {"backlog_slope", rounded(step.backlog_slope)},
          {"kept_up", step.is_kept_up}};
}

Json size_fit_json(const std::optional<SizeFit>& fit) {
  if (!fit) return nullptr;
  return {{"fixed_s", rounded(fit->fixed_s)},
          {"seconds_per_mb", rounded(fit->seconds_per_mb)},
          {"ten_mb_s", rounded(fit->ten_mb_s)},
          {"ten_mb_high_s", rounded(fit->ten_mb_high_s)},
          {"documents", fit->documents}};
}

Json daily_json(const std::optional<Daily>& daily) {
  if (!daily) return nullptr;
  return {{"documents", rounded(daily->documents)},
          {"low", rounded(daily->low)},
          {"high", number(daily->high)},
          {"headroom", rounded(daily->headroom)},
          {"how", daily->how}};
}

Json error_json(const ErrorCount& error) {
  return {{"what", error.what}, {"count", error.count}};
}

Json phase_json(const PhaseRecord& phase) {
  return {{"name", phase.name},
          {"plan", phase.plan},
          {"begin_s", seconds(phase.begin)},
          {"end_s", seconds(phase.end)},
          {"warm_up", phase.is_warm_up},
          {"per_second", number(phase.documents_per_second)},
          {"concurrency", phase.concurrency}};
}

Json kind_json(const KindRecord& kind) {
  return {{"name", kind.name}, {"weight", rounded(kind.weight)}};
}

Json key_json(const KeyRecord& key) {
  return {{"name", key.name},
          {"requests_per_minute", key.requests_per_minute},
          {"tokens_per_minute", key.tokens_per_minute},
          {"requests_used", rounded(key.requests_used)},
          {"tokens_used", rounded(key.tokens_used)},
          {"refusals", key.refusals}};
}

Json arrival_json(const RunRecord& run, const Arrival& arrival) {
  return {{"number", arrival.number},
          {"id", arrival.id},
          {"phase", run.phases[arrival.phase].name},
          {"kind", run.kinds[arrival.kind].name},
          {"bytes", arrival.bytes},
          {"outcome", arrival.outcome},
          {"intended_s", seconds(arrival.intended)},
          {"issued_s", seconds(arrival.issued)},
          {"accepted_s", seconds(arrival.accepted)},
          {"started_s", seconds(arrival.started)},
          {"extracted_s", seconds(arrival.extracted)},
          {"embedded_s", seconds(arrival.embedded)},
          {"stored_s", seconds(arrival.stored)},
          {"done_s", seconds(arrival.done)}};
}

Json slowest_json(const CapacityReport& report) {
  Json slowest = Json::array();
  for (const std::uint64_t number : report.slowest)
    slowest.push_back(arrival_json(report.run, report.run.arrivals[number]));
  return slowest;
}

}  // namespace

std::string json_report(const CapacityReport& report) {
  const RunRecord& run = report.run;
  const Json json = {
      {"schema", report_schema_version},
      {"verdict", name_of(report.verdict)},
      {"valid", report.is_valid},
      {"sentence", report.sentence},
      {"targets", all(report.targets, target_json)},
      {"bound_by", report.bound_by},
      {"daily", daily_json(report.daily)},
      {"conservation", conservation_json(report.conservation)},
      {"checks", all(report.checks, check_json)},
      {"stages", all(report.stages, stage_json)},
      {"resources", all(report.resources, resource_json)},
      {"quantiles", all(report.quantiles, quantile_json)},
      {"steps", all(report.steps, step_json)},
      {"knee", number(report.knee)},
      {"size_fit", size_fit_json(report.size_fit)},
      {"backlog_slope", rounded(report.backlog_slope)},
      {"errors", all(report.errors, error_json)},
      {"slowest", slowest_json(report)},
      {"command", run.command},
      {"seed", run.seed},
      {"profile", {{"name", run.profile_name}, {"text", run.profile_text}}},
      {"system", run.system},
      {"destination", run.destination},
      {"environment", environment_json(run.environment)},
      {"phases", all(run.phases, phase_json)},
      {"kinds", all(run.kinds, kind_json)},
      {"keys", all(run.keys, key_json)},
      {"clock", {{"offset_s", seconds(run.clock.offset)}, {"doubt_s", seconds(run.clock.doubt)}}},
      {"content",
       {{"checked", run.content.checked},
        {"wrong", run.content.wrong},
        {"first_wrong", run.content.first_wrong}}},
      {"unknown", run.unknown},
      {"findings", run.findings},
      {"ended_s", seconds(run.ended)},
      {"drained", run.is_drained},
      {"documents_in_flight_max", run.documents_in_flight_max},
      {"system_cores", rounded(run.system_cores)},
      {"generator_cores", rounded(run.generator_cores)},
      {"descriptors_max", run.descriptors_max},
      {"interrupted", run.interrupted}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace penstock
