#include <mupdf/fitz.h>

#include <new>

#include "bench/peers/peer.h"

namespace penstock {
namespace {

// fz_try jumps past destructors, so nothing between fz_try and fz_catch may own anything.

void ignore_complaint(void*, const char*) {}

// False if the page cannot be read; what was printed of it stays.
bool print_page(fz_context* context, fz_document* document, int number, fz_buffer* text) {
  fz_page* page = nullptr;
  fz_stext_page* content = nullptr;
  fz_device* device = nullptr;
  fz_output* output = nullptr;
  fz_var(page);
  fz_var(content);
  fz_var(device);
  fz_var(output);
  fz_try(context) {
    page = fz_load_page(context, document, number);
    content = fz_new_stext_page(context, fz_bound_page(context, page));
    device = fz_new_stext_device(context, content, nullptr);
    fz_run_page(context, page, device, fz_identity, nullptr);
    fz_close_device(context, device);
    output = fz_new_output_with_buffer(context, text);
    fz_print_stext_page_as_text(context, output, content);
    fz_close_output(context, output);
  }
  fz_always(context) {
    fz_drop_output(context, output);
    fz_drop_device(context, device);
    fz_drop_stext_page(context, content);
    fz_drop_page(context, page);
  }
  fz_catch(context) {
    return false;
  }
  return true;
}

// How many of the pages could be read.
int print_pages(fz_context* context, fz_document* document, int pages, fz_buffer* text) {
  int read = 0;
  for (int number = 0; number < pages; ++number)
    if (print_page(context, document, number, text)) ++read;
  return read;
}

struct Printed {
  Outcome outcome = Outcome::corrupt;
  int pages = 0;
};

Printed print_document(fz_context* context, std::string_view bytes, fz_buffer* text) {
  Printed printed;
  fz_stream* stream = nullptr;
  fz_document* document = nullptr;
  fz_var(stream);
  fz_var(document);
  fz_var(printed);
  fz_try(context) {
    stream =
        fz_open_memory(context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    document = fz_open_document_with_stream(context, "application/pdf", stream);
    if (fz_needs_password(context, document)) {
      printed.outcome = Outcome::encrypted;
    } else {
      printed.pages = fz_count_pages(context, document);
      // As mutool does: a page that cannot be read costs that page only.
      if (print_pages(context, document, printed.pages, text) > 0) printed.outcome = Outcome::done;
    }
  }
  fz_always(context) {
    fz_drop_document(context, document);
    fz_drop_stream(context, stream);
  }
  fz_catch(context) {}
  return printed;
}

class MupdfPeer final : public Peer {
 public:
  MupdfPeer() : context_(fz_new_context(nullptr, nullptr, FZ_STORE_DEFAULT)) {
    if (context_ == nullptr) throw std::bad_alloc();
    fz_register_document_handlers(context_);
    fz_set_warning_callback(context_, ignore_complaint, nullptr);
    fz_set_error_callback(context_, ignore_complaint, nullptr);
  }
  ~MupdfPeer() override { fz_drop_context(context_); }
  MupdfPeer(const MupdfPeer&) = delete;
  MupdfPeer& operator=(const MupdfPeer&) = delete;

  PeerText extract(std::string_view bytes) override {
    fz_buffer* buffer = fz_new_buffer(context_, 1 << 16);
    const Printed printed = print_document(context_, bytes, buffer);
    unsigned char* data = nullptr;
    const std::size_t size = fz_buffer_storage(context_, buffer, &data);
    PeerText text{printed.outcome, static_cast<std::uint32_t>(printed.pages),
                  std::string(reinterpret_cast<const char*>(data), size)};
    fz_drop_buffer(context_, buffer);
    return text;
  }

 private:
  fz_context* const context_;
};

}  // namespace

std::unique_ptr<Peer> make_mupdf() {
  return std::make_unique<MupdfPeer>();
}

}  // namespace penstock
