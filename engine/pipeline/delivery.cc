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

// Inputs refused one by one before anything was ever embedded: it is not the inputs then.
constexpr int refused_alone_max = 16;

std::uint8_t failures_of(const Job& job, std::size_t chunk) {
  return job.failures.empty() ? std::uint8_t{0} : job.failures[chunk];
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
    case Answer::rate_limited:
    case Answer::failed:
    case Answer::nonsense:
    case Answer::key_refused:
      try_again(std::move(pack), delivered);
      break;
  }
  return delivered;
}

void Delivery::take_vectors(const Pack& pack, Delivered& delivered) {
  anything_embedded_ = true;
  const float* row = pack.embedding.vectors.data();
  for (const PackSlice& slice : pack.slices) {
    const std::size_t chunks = slice.chunk_end - slice.chunk_begin;
    std::copy_n(row, chunks * dimensions_,
                slice.job->vectors.data() + slice.chunk_begin * dimensions_);
    row += chunks * dimensions_;
    end(*slice.job, chunks, pack, delivered);
  }
}

void Delivery::refuse(std::unique_ptr<Pack> pack, Delivered& delivered) {
  if (pack->inputs.size() > 1) {
    for (Pack& half : bisect(*pack))
      delivered.smaller.push_back(std::make_unique<Pack>(std::move(half)));
    return;
  }
  const std::string& why = pack->embedding.message;
  if (!anything_embedded_ && ++refused_alone_ >= refused_alone_max) {
    abandon(*pack, {ErrorKind::permanent, "every input was refused so far: " + why}, delivered);
    return;
  }
  Job& job = *pack->slices.front().job;
  job.give_up([&] { job.fail(Outcome::failed, why); });
  end(job, 1, *pack, delivered);
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
      if (job.given_up) {
        ++ended;
      } else {
        again->add({&job, chunk, pack->inputs[input], pack->input_tokens[input]});
      }
    }
    if (ended > 0) end(job, ended, *pack, delivered);
  }
  if (!again->inputs.empty()) delivered.again = std::move(again);
}

void Delivery::abandon(const Pack& pack, const Error& why, Delivered& delivered) {
  for (const PackSlice& slice : pack.slices) {
    Job& job = *slice.job;
    job.give_up([&] { job.abandoned = why; });
    end(job, slice.chunk_end - slice.chunk_begin, pack, delivered);
  }
}

void Delivery::end(Job& job, std::size_t chunks, const Pack& pack, Delivered& delivered) {
  if (job.chunks_to_embed.fetch_sub(chunks) != chunks) return;
  // The pack that came last tells where the document's time went.
  job.times.finished_after(Stage::pack, pack.packed_at, Duration{0});
  job.times.finished_after(Stage::throttle, pack.granted_at, Duration{0});
  job.times.finished(Stage::embed, std::chrono::steady_clock::now());
  delivered.complete.push_back(&job);
}

}  // namespace penstock
