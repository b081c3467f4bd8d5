#include "engine/pipeline/delivery.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

// Failures of a chunk's requests, while the endpoint did well otherwise, after which it travels
// alone, and after which its document fails: an input that makes the service fail is then told from
// a service that fails now and then.
constexpr std::uint8_t failures_in_company_max = 2;
constexpr std::uint8_t failures_max = 6;

// Inputs refused one by one, and answers that make no sense, before anything was ever embedded: it
// is not the inputs then, and every further request would be paid for in vain.
constexpr int fruitless_max = 16;

Error fruitless(const std::string& why) {
  return {ErrorKind::permanent, "nothing was embedded so far: " + why};
}

std::uint8_t failures_of(const Job& job, std::size_t chunk) {
  return job.failures.empty() ? std::uint8_t{0} : job.failures[chunk];
}

// Ends so many of the job's chunks; whether that was all.
bool no_chunk_left(Job& job, std::size_t chunks) {
  return job.chunks_to_embed.fetch_sub(chunks) == chunks;
}

}  // namespace

bool Delivery::travels_alone(Job& job, std::size_t chunk) {
  const std::lock_guard lock(job.embed_mutex);
  return failures_of(job, chunk) >= failures_in_company_max;
}

Delivered Delivery::deliver(std::unique_ptr<Pack> pack) {
  Delivered delivered;
  if (pack->error) {
    abandon(*pack, *pack->error, delivered);
    return delivered;
  }
  switch (pack->embedding.receipt.answer) {
    case Answer::embedded:
      take_vectors(*pack, delivered);
      break;
    case Answer::refused_input:
      refuse(std::move(pack), delivered);
      break;
    case Answer::misconfigured:
      abandon(*pack, {ErrorKind::permanent, pack->embedding.message}, delivered);
      break;
    case Answer::nonsense:
      if (is_fruitless()) {
        abandon(*pack, fruitless(pack->embedding.message), delivered);
        break;
      }
      try_again(std::move(pack), delivered);
      break;
    case Answer::rate_limited:
    case Answer::failed:
    case Answer::key_refused:
      try_again(std::move(pack), delivered);
      break;
  }
  return delivered;
}

bool Delivery::is_fruitless() {
  return !anything_embedded_ && ++fruitless_ >= fruitless_max;
}

std::vector<Job*> Delivery::found(Job& job, std::size_t chunk) {
  std::vector<Job*> complete;
  for (const ChunkOfJob& same : share(job, chunk))
    if (no_chunk_left(*same.job, 1)) complete.push_back(same.job);
  --job.chunks_to_embed;
  return complete;
}

std::vector<Job*> Delivery::lost(Job& job, std::size_t chunk, const Error& why) {
  std::vector<Job*> complete;
  for (const ChunkOfJob& same : waiting_for(job, chunk)) {
    same.job->give_up([&] { same.job->abandoned = why; });
    if (no_chunk_left(*same.job, 1)) complete.push_back(same.job);
  }
  job.give_up([&] { job.abandoned = why; });
  --job.chunks_to_embed;
  return complete;
}

std::vector<ChunkOfJob> Delivery::waiting_for(const Job& job, std::size_t chunk) {
  if (job.embedding_ids.empty()) return {};
  return same_texts_.end(job.embedding_ids[chunk]);
}

// The chunk's row, to those that waited for it.
std::vector<ChunkOfJob> Delivery::share(const Job& job, std::size_t chunk) {
  std::vector<ChunkOfJob> same_text = waiting_for(job, chunk);
  for (const ChunkOfJob& same : same_text)
    std::copy_n(job.vectors.data() + chunk * dimensions_, dimensions_,
                same.job->vectors.data() + same.chunk * dimensions_);
  return same_text;
}

// A job is not looked at any more once its chunks have ended: its last one may end elsewhere.
void Delivery::take_vectors(const Pack& pack, Delivered& delivered) {
  anything_embedded_ = true;
  const float* row = pack.embedding.vectors.data();
  for (const PackSlice& slice : pack.slices) {
    for (std::size_t chunk = slice.chunk_begin; chunk < slice.chunk_end; ++chunk) {
      std::copy_n(row, dimensions_, slice.job->vectors.data() + chunk * dimensions_);
      row += dimensions_;
      for (const ChunkOfJob& same : share(*slice.job, chunk)) end(*same.job, 1, pack, delivered);
    }
    end(*slice.job, slice.chunk_end - slice.chunk_begin, pack, delivered);
  }
}

void Delivery::refuse(std::unique_ptr<Pack> pack, Delivered& delivered) {
  if (pack->inputs.size() > 1) {
    for (Pack& half : bisect(*pack))
      delivered.smaller.push_back(std::make_unique<Pack>(std::move(half)));
    return;
  }
  const std::string& why = pack->embedding.message;
  if (is_fruitless()) return abandon(*pack, fruitless(why), delivered);
  const PackSlice& only = pack->slices.front();
  std::vector<ChunkOfJob> refused = waiting_for(*only.job, only.chunk_begin);
  refused.push_back({only.job, only.chunk_begin});
  for (const auto& [job, chunk] : refused) {
    job->give_up([&, its = job] { its->fail(Outcome::failed, why); });
    end(*job, 1, *pack, delivered);
  }
}

void Delivery::try_again(std::unique_ptr<Pack> pack, Delivered& delivered) {
  auto again = std::make_unique<Pack>();
  again->lane = pack->lane;
  std::size_t input = 0;
  for (const PackSlice& slice : pack->slices) {
    Job& job = *slice.job;
    std::size_t ended = 0;
    for (std::size_t chunk = slice.chunk_begin; chunk < slice.chunk_end; ++chunk, ++input) {
      if (pack->blame == Blame::request) {
        const std::lock_guard lock(job.embed_mutex);
        if (job.failures.empty()) job.failures.resize(job.chunks.size());
        ++job.failures[chunk];
        if (job.failures[chunk] >= failures_max && !job.given_up) {
          job.given_up = true;
          job.fail(Outcome::failed, pack->embedding.message);
        }
      }
      if (!job.given_up) {
        again->add({&job, chunk, pack->inputs[input], pack->input_tokens[input]});
        continue;
      }
      ++ended;
      if (job.embedding_ids.empty()) continue;
      if (const auto same = same_texts_.pass_on(job.embedding_ids[chunk]))
        again->add({same->job, same->chunk, same->job->chunks[same->chunk].text,
                    pack->input_tokens[input]});
    }
    if (ended > 0) end(job, ended, *pack, delivered);
  }
  if (!again->inputs.empty()) delivered.again = std::move(again);
}

void Delivery::abandon(const Pack& pack, const Error& why, Delivered& delivered) {
  const auto leave = [&](Job& job, std::size_t chunks) {
    job.give_up([&] { job.abandoned = why; });
    end(job, chunks, pack, delivered);
  };
  for (const PackSlice& slice : pack.slices) {
    for (std::size_t chunk = slice.chunk_begin; chunk < slice.chunk_end; ++chunk)
      for (const ChunkOfJob& same : waiting_for(*slice.job, chunk)) leave(*same.job, 1);
    leave(*slice.job, slice.chunk_end - slice.chunk_begin);
  }
}

void Delivery::end(Job& job, std::size_t chunks, const Pack& pack, Delivered& delivered) {
  if (!no_chunk_left(job, chunks)) return;
  // The pack that came last tells where the document's time went.
  job.times.finished_after(Stage::pack, pack.packed_at, Duration{0});
  job.times.finished_after(Stage::throttle, pack.granted_at, Duration{0});
  job.times.finished(Stage::embed, std::chrono::steady_clock::now());
  delivered.complete.push_back(&job);
}

}  // namespace penstock
