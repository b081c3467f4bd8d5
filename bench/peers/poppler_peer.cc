#include <poppler/Error.h>
#include <poppler/GlobalParams.h>
#include <poppler/PDFDoc.h>
#include <poppler/Stream.h>
#include <poppler/TextOutputDev.h>

#include "bench/peers/peer.h"

namespace penstock {
namespace {

void append(void* text, const char* bytes, int count) {
  static_cast<std::string*>(text)->append(bytes, static_cast<std::size_t>(count));
}

void ignore_complaint(ErrorCategory, Goffset, const char*) {}

class PopplerPeer final : public Peer {
 public:
  explicit PopplerPeer(PopplerOrder order) : order_(order) {
    setErrorCallback(ignore_complaint);
    globalParams = std::make_unique<GlobalParams>();
  }
  ~PopplerPeer() override { globalParams.reset(); }

  PeerText extract(std::string_view bytes) override {
    PeerText text;
    // The document owns the stream; the stream does not own the bytes.
    PDFDoc document(new MemStream(bytes.data(), 0, static_cast<Goffset>(bytes.size()), Object()));
    if (!document.isOk()) {
      text.outcome =
          document.getErrorCode() == errEncrypted ? Outcome::encrypted : Outcome::corrupt;
      return text;
    }
    const int pages = document.getNumPages();
    text.pages = static_cast<std::uint32_t>(std::max(0, pages));
    TextOutputDev device(append, &text.utf8, /*physLayout=*/false, /*fixedPitch=*/0,
                         order_ == PopplerOrder::content);
    constexpr double points_per_inch = 72;
    document.displayPages(&device, 1, pages, points_per_inch, points_per_inch, /*rotate=*/0,
                          /*useMediaBox=*/true, /*crop=*/false, /*printing=*/false);
    return text;
  }

 private:
  const PopplerOrder order_;
};

}  // namespace

std::unique_ptr<Peer> make_poppler(PopplerOrder order) {
  return std::make_unique<PopplerPeer>(order);
}

}  // namespace penstock
