#include "engine/service/upload.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/core/pdf_header.h"
#include "engine/core/sha256.h"
#include "engine/service/client_keys.h"
#include "engine/service/document_view.h"
#include "engine/service/multipart.h"
#include "engine/service/new_id.h"

namespace penstock {
namespace {

constexpr std::size_t id_bytes_max = 512;
constexpr std::size_t field_bytes_max = 64 << 10;
constexpr std::size_t name_bytes_max = 1'024;
constexpr int metadata_depth_max = 32;
constexpr std::size_t idempotency_key_bytes_max = 255;

// The fields that say more of a document, of the query or of a form.
constexpr std::string_view field_names[] = {"name", "lane", "region", "metadata"};

bool is_printable(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; });
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

// Absent: it is none, or one that some reader of it could not take: nested without end, or with a
// NUL.
std::optional<Json> metadata_from(const std::string& text) {
  bool is_tame = true;
  const auto look = [&](int depth, Json::parse_event_t, const Json& value) {
    const auto* words = value.get_ptr<const Json::string_t*>();
    is_tame = is_tame && depth < metadata_depth_max &&
              (words == nullptr || words->find('\0') == std::string::npos);
    return is_tame;
  };
  Json metadata = Json::parse(text, look, false);
  if (!is_tame || !metadata.is_object()) return std::nullopt;
  return metadata;
}

// Of the first bytes of a content. Absent: it may be something that is read.
std::optional<Problem> refuse_content(std::string_view begin, std::string_view media_type) {
  const bool is_pdf = looks_like_pdf(begin);
  const bool is_said_pdf = lower_case(media_type).starts_with("application/pdf");
  if (is_said_pdf && !is_pdf)
    return unsupported_content("it is said to be a PDF and has no %PDF- near its start");
  // UTF-16 has them, and a mark in front.
  const bool has_mark = begin.starts_with("\xFF\xFE") || begin.starts_with("\xFE\xFF");
  if (!is_pdf && !has_mark && begin.find('\0') != std::string_view::npos)
    return unsupported_content("it is neither a PDF nor text");
  return std::nullopt;
}

// Nothing that a browser would run, whatever the content is said to be.
std::string media_type_of(std::string_view begin) {
  return looks_like_pdf(begin) ? "application/pdf" : "text/plain; charset=utf-8";
}

// Between two calls of the connection the upload waits on no thread; within one it blocks.
class Upload {
 public:
  Upload(const ServiceParts& parts, Call call) : parts_(parts), call_(std::move(call)) {}

  // What the head says. Absent: it may go on.
  std::optional<Problem> begin();

  void take(std::string_view bytes);
  void finish();

 private:
  std::optional<Problem> take_field(const std::string& name, const std::string& value);
  Result<void> take_content(std::string_view bytes);
  Result<void> open(std::string_view begin);
  Result<void> begin_part(const FormPart& part);
  Result<void> take_part(std::string_view bytes);
  void accept();
  void answer_with(const CatalogEntry& entry, int status, HttpHeaders headers);
  // The upload has ended with this; what still comes is not looked at.
  Result<void> give_up(const Problem& problem);
  Result<void> give_up(const Error& error);

  const ServiceParts& parts_;
  const Call call_;

  bool has_ended_ = false;
  std::optional<MultipartParser> form_;
  std::map<std::string, std::string> fields_;
  std::string field_;     // of the form, whose bytes are coming; empty: none, or the file
  bool in_file_ = false;  // of the form
  bool has_file_ = false;

  std::string idempotency_key_;
  std::string said_type_;
  std::string begin_;  // of the content, until it was looked at
  bool is_looked_at_ = false;
  CatalogEntry entry_;
  Sha256Stream digest_;
  std::unique_ptr<BlobWriter> writer_;
};

std::optional<Problem> Upload::begin() {
  const HttpHeaders& headers = call_.head().headers;
  entry_.received = wall_now();
  entry_.name.tenant = call_.caller().tenant;
  entry_.name.id = call_.route().action == Action::replace ? call_.id() : new_id(entry_.received);
  entry_.region = parts_.region;
  if (!is_document_id(entry_.name.id))
    return bad_request("a document's id has 1 to 512 bytes of UTF-8, without control characters");
  idempotency_key_ = headers.find("Idempotency-Key").value_or("");
  if (idempotency_key_.size() > idempotency_key_bytes_max || !is_printable(idempotency_key_) ||
      !is_utf8(idempotency_key_))
    return bad_request("an Idempotency-Key has at most 255 printable characters");
  for (const std::string_view name : field_names)
    if (const std::string value = call_.target().parameter(name); !value.empty())
      if (auto problem = take_field(std::string(name), value)) return problem;

  std::uint64_t bytes = 0;
  const std::string_view length = headers.find("Content-Length").value_or("");
  std::from_chars(length.data(), length.data() + length.size(), bytes);
  // A form is a little larger than what it holds.
  if (bytes > call_.caller().document_bytes_max + field_bytes_max) {
    parts_.metrics.rejected(Rejection::size);
    return too_large(call_.caller().document_bytes_max);
  }
  // Asked again at the end: a form may name another lane, and much can come in between.
  if (const auto refusal = parts_.admission.look(entry_.lane)) {
    parts_.metrics.rejected(refusal->reason);
    return refusal->problem;
  }
  const std::string_view type = headers.find("Content-Type").value_or("");
  if (lower_case(type).starts_with("multipart/")) {
    const auto boundary = form_boundary(type);
    if (!boundary) return bad_request("a form is multipart/form-data with a boundary");
    form_.emplace(*boundary,
                  MultipartParser::Events{
                      [this](const FormPart& part) { return begin_part(part); },
                      [this](std::string_view part_bytes) { return take_part(part_bytes); }});
  } else {
    said_type_ = type;
  }
  return std::nullopt;
}

std::optional<Problem> Upload::take_field(const std::string& name, const std::string& value) {
  if (!is_utf8(value) || value.find('\0') != std::string::npos)
    return bad_request(name + " is no UTF-8 without NUL");
  if (name == "name") {
    if (value.size() > name_bytes_max) return bad_request("name has more than 1024 bytes");
    entry_.file_name = value;
  } else if (name == "lane") {
    const auto lane = lane_named(value);
    if (!lane) return bad_request("lane is interactive or bulk");
    entry_.lane = *lane;
  } else if (name == "region") {
    if (!is_tenant(value)) return bad_request("region is a name of letters, digits, -, _ and .");
    entry_.region = value;
  } else if (name == "metadata") {
    if (value.size() > field_bytes_max) return bad_request("metadata has more than 64 KB");
    const std::optional<Json> metadata = metadata_from(value);
    if (!metadata)
      return bad_request("metadata is a JSON object, at most 32 deep, in which no text has a NUL");
    entry_.metadata = metadata->empty() ? std::string() : json_text(*metadata);
  }
  return std::nullopt;
}

Result<void> Upload::begin_part(const FormPart& part) {
  in_file_ = part.name == "file";
  field_ = in_file_ ? std::string() : part.name;
  if (!in_file_) {
    const bool is_known = std::ranges::find(field_names, field_) != std::end(field_names);
    if (!is_known) return give_up(bad_request("the form has a field that is none: " + field_));
    const bool is_new =
        call_.target().parameter(field_).empty() && fields_.try_emplace(field_).second;
    if (!is_new) return give_up(bad_request("the upload has two of " + field_));
    return {};
  }
  if (has_file_) return give_up(bad_request("the form has more than one file"));
  has_file_ = true;
  said_type_ = part.media_type;
  if (entry_.file_name.empty() && !part.file_name.empty()) {
    if (auto problem = take_field("name", part.file_name)) return give_up(*problem);
  }
  return {};
}

Result<void> Upload::take_part(std::string_view bytes) {
  if (in_file_) return take_content(bytes);
  std::string& value = fields_[field_];
  value.append(bytes);
  if (value.size() > field_bytes_max) return give_up(bad_request(field_ + " is longer than 64 KB"));
  return {};
}

void Upload::take(std::string_view bytes) {
  if (has_ended_) return;
  const Result<void> taken = form_ ? form_->feed(bytes) : take_content(bytes);
  if (!taken && !has_ended_) static_cast<void>(give_up(bad_request(taken.error().message)));
}

Result<void> Upload::take_content(std::string_view bytes) {
  entry_.bytes += bytes.size();
  if (entry_.bytes > call_.caller().document_bytes_max) {
    parts_.metrics.rejected(Rejection::size);
    return give_up(too_large(call_.caller().document_bytes_max));
  }
  digest_.add(bytes);
  if (!is_looked_at_) {
    if (!begin_.empty() || bytes.size() < pdf_header_within) {
      begin_.append(bytes);
      if (begin_.size() < pdf_header_within) return {};
      bytes = begin_;
    }
    if (Result<void> opened = open(bytes); !opened) return opened;
  }
  const Result<void> written = writer_->append(bytes);
  begin_.clear();
  if (!written) return give_up(written.error());
  return {};
}

// Nothing is written before it is clear that it may be something.
Result<void> Upload::open(std::string_view begin) {
  is_looked_at_ = true;
  if (auto problem = refuse_content(begin, said_type_)) return give_up(*problem);
  entry_.media_type = media_type_of(begin);
  const std::string id = new_id(entry_.received);
  // Its last character is random: a folder has a thirty-second of them. More folders would each
  // have to be made durable.
  entry_.location =
      parts_.blobs_root + '/' + entry_.name.tenant + '/' + id.substr(id.size() - 1) + '/' + id;
  if (const auto reserved = parts_.catalog.reserve(entry_.location, entry_.received); !reserved)
    return give_up(reserved.error());
  Result<std::unique_ptr<BlobWriter>> writer = parts_.blobs.begin(entry_.location);
  if (!writer) return give_up(writer.error());
  writer_ = std::move(*writer);
  return {};
}

void Upload::finish() {
  if (has_ended_) return;
  if (form_) {
    if (const auto whole = form_->finish(); !whole)
      return static_cast<void>(give_up(bad_request(whole.error().message)));
    if (!has_file_) return static_cast<void>(give_up(bad_request("the form has no part \"file\"")));
    for (const auto& [name, value] : fields_)
      if (const auto problem = take_field(name, value)) return static_cast<void>(give_up(*problem));
  }
  if (entry_.bytes == 0) return static_cast<void>(give_up(bad_request("the content is empty")));
  if (!is_looked_at_) {
    if (!open(begin_)) return;
    if (const auto written = writer_->append(begin_); !written)
      return static_cast<void>(give_up(written.error()));
  }
  entry_.digest = digest_.digest();
  if (const auto refusal = parts_.admission.admit(entry_.lane)) {
    parts_.metrics.rejected(refusal->reason);
    return static_cast<void>(give_up(refusal->problem));
  }
  accept();
}

void Upload::accept() {
  if (const auto stored = writer_->commit(); !stored)
    return static_cast<void>(give_up(stored.error()));
  const Result<AddedEntry> added = parts_.catalog.add(entry_, idempotency_key_);
  if (!added) return static_cast<void>(give_up(added.error()));
  parts_.metrics.uploaded(entry_.bytes);
  switch (added->how) {
    case AddedEntry::How::conflict:
      return static_cast<void>(give_up(idempotency_conflict(added->entry.name.id)));
    case AddedEntry::How::repeated:
      // It may have been deleted since.
      if (added->entry.is_removed) return static_cast<void>(give_up(no_such_document()));
      return answer_with(added->entry, 200, {{"Idempotency-Replayed", "true"}});
    case AddedEntry::How::added:
    case AddedEntry::How::replaced:
      break;
  }
  // From here on it is accepted, whether the queue can be reached at once or not.
  CatalogEntry entry = added->entry;
  parts_.events.publish(
      {key_of(entry.name), Milestone::received, entry.lane, entry.received, {}, {}});
  const auto queued = enqueue(parts_, {&entry, 1});
  if (!queued) parts_.log(queued.error().message);
  if (queued && !queued->empty()) entry = queued->front();
  has_ended_ = true;
  DocumentView view{entry, {}, {}, {}, 0, {}, {}};
  view.state = entry.queued ? DocumentState::queued : DocumentState::received;
  const Json body = json_of(view);
  call_.answer(202, body, {{"Location", body["links"]["self"].get<std::string>()}});
}

void Upload::answer_with(const CatalogEntry& entry, int status, HttpHeaders headers) {
  has_ended_ = true;
  const auto views = views_of({&entry, 1}, parts_.broker, parts_.ledger);
  if (!views) {
    parts_.log(views.error().message);
    return call_.answer(unavailable());
  }
  const Json body = json_of(views->front());
  headers.add("Location", body["links"]["self"].get<std::string>());
  call_.answer(status, body, std::move(headers));
}

Result<void> Upload::give_up(const Problem& problem) {
  has_ended_ = true;
  writer_.reset();
  call_.answer(problem);
  return permanent_error(problem.detail);
}

Result<void> Upload::give_up(const Error& error) {
  parts_.log("an upload failed: " + error.message);
  return give_up(unavailable());
}

// The connection's side, which must not block.
class UploadSink final : public BodySink {
 public:
  UploadSink(IoThreads& threads, std::shared_ptr<Upload> upload)
      : threads_(threads), upload_(std::move(upload)) {}
  // What it wrote goes away with it, and that may block.
  ~UploadSink() override {
    threads_.run(Lane::bulk, [upload = std::move(upload_)]() mutable { upload.reset(); });
  }

  void write(std::string_view part, std::function<void()> more) override {
    threads_.run(Lane::bulk, [upload = upload_, part, more = std::move(more)] {
      upload->take(part);
      more();
    });
  }
  void finish() override {
    threads_.run(Lane::bulk, [upload = upload_] { upload->finish(); });
  }

 private:
  IoThreads& threads_;
  std::shared_ptr<Upload> upload_;
};

}  // namespace

bool is_document_id(std::string_view id) {
  return !id.empty() && id.size() <= id_bytes_max && is_printable(id) && is_utf8(id);
}

std::unique_ptr<BodySink> begin_upload(const ServiceParts& parts, const Call& call) {
  auto upload = std::make_shared<Upload>(parts, call);
  if (const auto problem = upload->begin()) {
    call.answer(*problem);
    return deaf_sink();
  }
  return std::make_unique<UploadSink>(parts.threads, std::move(upload));
}

Result<std::vector<CatalogEntry>> enqueue(const ServiceParts& parts,
                                          std::span<const CatalogEntry> entries) {
  std::vector<CatalogEntry> queued;
  const WallTime now = wall_now();  // before a worker can begin
  for (const Lane lane : all_lanes) {
    std::vector<Claim> claims;
    std::vector<const CatalogEntry*> of_lane;
    for (const CatalogEntry& entry : entries) {
      if (entry.lane != lane) continue;
      claims.push_back(claim_of(entry));
      of_lane.push_back(&entry);
    }
    if (claims.empty()) continue;
    const auto results = parts.broker.enqueue(claims, lane);
    if (!results) return pass_on(results.error());
    for (std::size_t i = 0; i < claims.size(); ++i)
      if ((*results)[i] != Enqueued::full) queued.push_back(*of_lane[i]);
  }
  if (const auto marked = parts.catalog.mark_queued(queued, now); !marked)
    return pass_on(marked.error());
  for (CatalogEntry& entry : queued) {
    entry.queued = now;
    if (!entry.is_removed)
      parts.events.publish({key_of(entry.name), Milestone::queued, entry.lane, now, {}, {}});
  }
  return queued;
}

}  // namespace penstock
