#include "reports/gate/sentences.h"
#include "reports/gate/writers.h"
#include "reports/json_parts.h"

namespace penstock {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json build_json(const GateBuild& build) {
  return {{"path", build.path}, {"version", build.version}, {"digest", build.digest}};
}

Json metric_json(const MetricResult& result) {
  const GateMetric& metric = result.metric;
  return {{"name", metric.name},
          {"unit", metric.unit},
          {"stage", text_or_null(metric.stage)},
          {"more_is_better", metric.more_is_better},
          {"floor", rounded(metric.floor)},
          {"control", metric.is_control},
          {"exact", metric.is_exact},
          {"may_stay_open", metric.may_stay_open},
          {"outcome", name_of(result.outcome)},
          {"pairs", result.pairs},
          {"baseline", number(result.baseline)},
          {"candidate", number(result.candidate)},
          {"change", number(result.change)},
          {"low", number(result.low)},
          {"high", number(result.high)},
          {"chance", rounded(result.chance)},
          {"needed", result.more_pairs},
          {"sentence", result.sentence}};
}

Json content_json(const ContentResult& result) {
  return {{"name", result.name},
          {"outcome", name_of(result.outcome)},
          {"accepted", result.is_accepted},
          {"baseline", result.baseline},
          {"candidate", result.candidate},
          {"limit", result.limit},
          {"sentence", result.sentence}};
}

Json side_json(const GateContent::Side& side) {
  return {{"documents", side.documents}, {"done", side.done},
          {"pages", side.pages},         {"words", side.words},
          {"chunks", side.chunks},       {"chunks_twice", side.chunks_twice},
          {"tokens", side.tokens}};
}

Json difference_json(const GateContent::Difference& difference) {
  return {{"document", difference.document}, {"what", difference.what}};
}

Json seen_json(const GateContent& content) {
  return {{"baseline", side_json(content.baseline)},
          {"candidate", side_json(content.candidate)},
          {"words_lost", content.words_lost},
          {"words_added", content.words_added},
          {"words_moved", content.words_moved},
          {"pages_with_loss", content.pages_with_loss},
          {"documents_different", content.documents_different},
          {"searches", content.searches},
          {"searches_different", content.searches_different},
          {"differences", all(content.differences, difference_json)}};
}

Json values_json(const Values& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = number(value);
  return json;
}

Json pair_json(const GatePair& pair) {
  return {{"candidate_first", pair.candidate_first},
          {"baseline", values_json(pair.baseline)},
          {"candidate", values_json(pair.candidate)}};
}

Json change_json(const ChangePoint& change) {
  return {{"metric", change.metric},
          {"change", rounded(change.change)},
          {"chance", rounded(change.chance)},
          {"before", change.before},
          {"after", change.after},
          {"last_before", change.last_before},
          {"first_after", change.first_after},
          {"sentence", change.sentence}};
}

Json history_json(const GateHistory& history) {
  return {{"gates", history.gates.size()},         {"changes", all(history.changes, change_json)},
          {"same_builds", history.same_builds},    {"false_alarms", history.false_alarms},
          {"rate_low", rounded(history.rate_low)}, {"rate_high", rounded(history.rate_high)}};
}

}  // namespace

std::string json_report(const GateReport& report) {
  const GateRecord& record = report.record;
  const Json json = {{"schema", gate_schema_version},
                     {"verdict", name_of(report.verdict)},
                     {"sentence", report.sentence},
                     {"regressions", report.regressions},
                     {"same_build", report.is_same_build},
                     {"metrics", all(report.metrics, metric_json)},
                     {"content", all(report.content, content_json)},
                     {"missing", record.missing},
                     {"history", history_json(report.history)},
                     {"command", record.command},
                     {"seed", record.seed},
                     {"job", record.job},
                     {"baseline", build_json(record.baseline)},
                     {"candidate", build_json(record.candidate)},
                     {"environment", environment_json(record.environment)},
                     {"pairs_max", record.pairs_max},
                     {"pairs", all(record.pairs, pair_json)},
                     {"counts",
                      {{"baseline", values_json(record.baseline_counts)},
                       {"candidate", values_json(record.candidate_counts)}}},
                     {"seen", seen_json(record.content)},
                     {"accepts_content", record.accepts_content},
                     {"took_s", rounded(record.took.count())},
                     {"interrupted", record.interrupted}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace penstock
