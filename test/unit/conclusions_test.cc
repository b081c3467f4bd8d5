#include <iostream>

#include "reports/writers.h"
#include "test/support/catch.h"
#include "test/support/run_records.h"
namespace penstock {
namespace {
[[maybe_unused]] void show2(const CapacityReport& r);
void show(const CapacityReport& r) {
  std::cout << terminal_report(r, false) << "\n-----\n";
}
void show2(const CapacityReport& r) {
  std::cout << "== " << r.run.profile_name << " verdict " << int(r.verdict) << " valid "
            << r.is_valid << ": " << r.sentence << "\n";
  for (auto& t : r.targets)
    std::cout << "  T " << t.target.name << " " << int(t.verdict) << " " << t.sentence << "\n";
  for (auto& c : r.checks)
    std::cout << "  C "
              << (c.holds        ? "ok  "
                  : c.is_failure ? "FAIL"
                                 : "BAD ")
              << " " << c.name << ": " << c.value << " / " << c.limit
              << (c.holds ? "" : "  -- " + c.sentence) << "\n";
  for (auto& s : r.stages)
    std::cout << "  S " << s.name << " " << s.mean_s << " " << s.p50_s << " " << s.p99_s << " "
              << s.share << "\n";
  for (auto& s : r.resources)
    std::cout << "  R " << s.name << " " << s.utilisation << " " << s.used << "/" << s.limit
              << s.unit << " " << s.roofline.value_or(-1) << "\n";
  std::cout << "  " << r.bound_by << "\n";
  for (auto& s : r.steps)
    std::cout << "  L " << s.phase << " " << s.offered << " " << s.finished << " " << s.p50_s << " "
              << s.p99_s << " " << s.backlog_slope << " " << s.is_kept_up << "\n";
  if (r.size_fit)
    std::cout << "  fit " << r.size_fit->fixed_s << " " << r.size_fit->seconds_per_mb << " "
              << r.size_fit->ten_mb_s << " " << r.size_fit->ten_mb_high_s
              << " n=" << r.size_fit->documents << "\n";
  if (r.daily)
    std::cout << "  daily " << r.daily->documents << " " << r.daily->low << " "
              << r.daily->high.value_or(-1) << " " << r.daily->headroom << " " << r.daily->how
              << "\n";
  for (auto& e : r.errors) std::cout << "  E " << e.count << " " << e.what << "\n";
}
TEST_CASE("show") {
  for (auto* make : {passing_run, failing_run, invalid_run, inconclusive_run, sweep_run, large_run})
    show(conclude(make(), mission_targets()));
}
}  // namespace
}  // namespace penstock
