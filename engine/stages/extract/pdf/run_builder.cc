#include "engine/stages/extract/pdf/run_builder.h"

#include <cmath>

namespace penstock::pdf {
namespace {

// Where a page can be at all (ISO 32000-1, annex C: 14,400 units; producers exceed that). What a
// hostile matrix puts beyond is nowhere.
constexpr double coordinate_max = 1e7;

bool is_on_a_page(Point point) {
  return std::abs(point.x) < coordinate_max &&
         std::abs(point.y) < coordinate_max;  // not NaN either
}

}  // namespace

void RunBuilder::open(Point start, const RunStyle& style) {
  open_ = true;
  run_.text_begin = static_cast<std::uint32_t>(page_->utf8.size());
  run_.x0 = static_cast<float>(is_on_a_page(start) ? start.x : coordinate_max);
  run_.y0 = static_cast<float>(is_on_a_page(start) ? start.y : coordinate_max);
  run_.ux = static_cast<float>(style.direction.x);
  run_.uy = static_cast<float>(style.direction.y);
  run_.height = static_cast<float>(style.height);
  run_.vertical = style.vertical;
  run_.hidden = style.hidden;
}

void RunBuilder::append(std::string_view utf8) {
  flush();
  add(utf8);
}

void RunBuilder::flush() {
  add({text_.data(), size_});
  size_ = 0;
}

void RunBuilder::add(std::string_view utf8) {
  if (utf8.size() > page_text_bytes_max - page_->utf8.size())
    return warning_->set("more text than a page may have; the rest is left out");
  page_->utf8 += utf8;
}

void RunBuilder::close(Point end) {
  flush();
  open_ = false;
  run_.text_end = static_cast<std::uint32_t>(page_->utf8.size());
  if (run_.text_end == run_.text_begin) return;
  if (page_->runs.size() >= page_runs_max) {
    page_->utf8.resize(run_.text_begin);
    warning_->set("more pieces of text than a page may have; the rest is left out");
    return;
  }
  const bool valid = is_on_a_page(end) && run_.x0 < coordinate_max && run_.y0 < coordinate_max;
  if (!valid) {
    page_->utf8.resize(run_.text_begin);
    return;
  }
  run_.x1 = static_cast<float>(end.x);
  run_.y1 = static_cast<float>(end.y);
  page_->runs.push_back(run_);
}

}  // namespace penstock::pdf
