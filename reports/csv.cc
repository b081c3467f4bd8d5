#include <fmt/format.h>

#include <ostream>

#include "reports/measured.h"
#include "reports/writers.h"

namespace penstock {
namespace {

std::string seconds(const std::optional<Offset>& time) {
  return time ? fmt::format("{:.6f}", in_seconds(*time)) : "";
}

template <typename T>
std::string number(const std::optional<T>& value) {
  return value ? fmt::format("{:.6g}", static_cast<double>(*value)) : "";
}

std::string whole(const std::optional<std::uint64_t>& value) {
  return value ? std::to_string(*value) : "";
}

// RFC 4180.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

}  // namespace

void write_arrivals(const RunRecord& run, std::ostream& out) {
  out << "number,phase,kind,lane,bytes,id,ending,status,outcome,intended_s,issued_s,answered_s,"
         "accepted_s,received_s,queued_s,started_s,extracted_s,embedded_s,stored_s,done_s,pages,"
         "chunks,tokens,attempts,message\n";
  for (const Arrival& a : run.arrivals)
    out << a.number << ',' << quoted(run.phases[a.phase].name) << ','
        << quoted(run.kinds[a.kind].name) << ',' << name_of(a.lane) << ',' << a.bytes << ','
        << quoted(a.id) << ',' << name_of(a.ending) << ',' << a.status << ',' << quoted(a.outcome)
        << ',' << seconds(a.intended) << ',' << seconds(a.issued) << ',' << seconds(a.answered)
        << ',' << seconds(a.accepted) << ',' << seconds(a.received) << ',' << seconds(a.queued)
        << ',' << seconds(a.started) << ',' << seconds(a.extracted) << ',' << seconds(a.embedded)
        << ',' << seconds(a.stored) << ',' << seconds(a.done) << ',' << a.pages << ',' << a.chunks
        << ',' << a.tokens << ',' << a.attempts << ',' << quoted(a.message) << '\n';
}

void write_samples(const RunRecord& run, std::ostream& out) {
  out << "at_s,system_cpu_cores,system_memory,system_descriptors,store_busy,queue_depth,working,"
         "accepted,done,generator_cpu_cores,generator_memory,generator_descriptors,connections,"
         "timer_lag_s,timers_late_s,steal,machine_cpu_cores,sent_bytes\n";
  for (const Sample& s : run.samples)
    out << seconds(s.at) << ',' << number(s.system_cpu_cores) << ',' << whole(s.system_memory)
        << ',' << whole(s.system_descriptors) << ',' << number(s.store_busy) << ',' << s.queue_depth
        << ',' << s.working << ',' << s.accepted << ',' << s.done << ','
        << number(std::optional(s.generator_cpu_cores)) << ',' << whole(s.generator_memory) << ','
        << s.generator_descriptors << ',' << s.connections << ',' << seconds(s.timer_lag) << ','
        << seconds(s.timers_late) << ',' << number(std::optional(s.steal)) << ','
        << number(std::optional(s.machine_cpu_cores)) << ',' << s.sent_bytes << '\n';
}

}  // namespace penstock
