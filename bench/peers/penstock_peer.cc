#include <limits>

#include "bench/peers/peer.h"
#include "engine/stages/extract/extract_text.h"

namespace penstock {
namespace {

class PenstockPeer final : public Peer {
 public:
  PeerText extract(std::string_view bytes) override {
    ExtractedPages extracted = all_pages(bytes);
    // The extractor keeps its last document open. An empty one takes its place, so that a document
    // pays for its own closing, as with the others.
    all_pages({});
    return {extracted.outcome, extracted.pages_total, std::move(extracted.utf8)};
  }

 private:
  ExtractedPages all_pages(std::string_view bytes) {
    constexpr std::size_t text_bytes_max = std::size_t{1} << 30;
    const PageRange all{0, std::numeric_limits<std::uint32_t>::max()};
    return extractor_.extract(++document_, bytes, all, text_bytes_max);
  }

  TextExtractor extractor_{default_extractor};
  std::uint64_t document_ = 0;
};

}  // namespace

std::unique_ptr<Peer> make_penstock() {
  return std::make_unique<PenstockPeer>();
}

}  // namespace penstock
