// An extraction child: locks itself down, then answers requests until the parent hangs up.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"
#include "engine/stages/extract/extract_text.h"
#include "engine/stages/extract/extractor_pool.h"
#include "engine/stages/extract/lockdown.h"
#include "engine/stages/extract/protocol.h"

namespace penstock {
namespace {

using namespace extractor_protocol;

// Poppler says the same and aborts when its own allocator fails; the pool looks for these words.
[[noreturn]] void out_of_memory() {
  constexpr std::string_view words = "Out of memory\n";
  static_cast<void>(write(STDERR_FILENO, words.data(), words.size()) == 0);
  _exit(1);
}

void set_text(Reply& reply, std::string_view text) {
  const std::size_t size = std::min(text.size(), reply.text.size() - 1);
  std::memcpy(reply.text.data(), text.data(), size);
  reply.text[size] = '\0';
}

bool send_reply(const Reply& reply) {
  return send(socket_fd, &reply, sizeof reply, MSG_NOSIGNAL) == sizeof reply;
}

// The mapped bytes of the document that is open.
class OpenDocument {
 public:
  OpenDocument() = default;
  ~OpenDocument() { close(); }
  OpenDocument(const OpenDocument&) = delete;
  OpenDocument& operator=(const OpenDocument&) = delete;

  bool open(UniqueFd fd) {
    close();
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return false;
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return true;
    mapping_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (mapping_ == MAP_FAILED) out_of_memory();
    return true;
  }
  std::string_view bytes() const { return {static_cast<const char*>(mapping_), size_}; }

 private:
  void close() {
    if (mapping_ != nullptr) munmap(mapping_, size_);
    mapping_ = nullptr;
    size_ = 0;
  }

  void* mapping_ = nullptr;
  std::size_t size_ = 0;
};

// Receives a request, with the descriptor that may come along; false when the parent hung up.
bool receive(Request& request, UniqueFd& document) {
  iovec data{&request, sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) != sizeof request) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    document.reset(fd);
  }
  return true;
}

int serve(std::uint64_t memory_bytes_max, ExtractorKind kind) {
  void* output = mmap(nullptr, output_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, output_fd, 0);
  if (output == MAP_FAILED) return 1;
  std::optional<TextExtractor> extractor;
  Reply hello;
  try {
    extractor.emplace(kind);
    const Lockdown lockdown = lock_down(memory_bytes_max + output_bytes);
    hello.message = Message::ready;
    hello.landlock_abi = lockdown.landlock_abi;
    hello.seccomp = lockdown.seccomp ? 1 : 0;
  } catch (const FatalError& error) {
    hello.message = Message::refused;
    set_text(hello, error.what());
  }
  if (!send_reply(hello) || hello.message == Message::refused) return 1;

  OpenDocument document;
  for (;;) {
    Request request;
    UniqueFd fd;
    if (!receive(request, fd)) return 0;
    if (fd) document.open(std::move(fd));
    const ExtractedPages pages = extractor->extract(
        request.document, document.bytes(), {request.first_page, request.page_count}, output_bytes);
    Reply reply;
    reply.outcome = static_cast<std::uint32_t>(pages.outcome);
    reply.document = request.document;
    reply.pages_total = pages.pages_total;
    reply.pages_done = static_cast<std::uint32_t>(pages.page_ends.size());
    reply.text_bytes = pages.utf8.size();
    set_text(reply, pages.message);
    std::copy(pages.page_ends.begin(), pages.page_ends.end(), reply.page_ends.begin());
    std::memcpy(output, pages.utf8.data(), pages.outcome == Outcome::done ? pages.utf8.size() : 0);
    if (!send_reply(reply)) return 0;
  }
}

}  // namespace

bool run_extractor_child_if_asked(int argc, char** argv, int& exit_code) {
  if (argc != 5 || std::strcmp(argv[1], child_argument) != 0) return false;
  // A child outlives its parent by nothing, not even when it hangs.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  exit_code = 1;
  if (getppid() != std::atoi(argv[2])) return true;
  syscall(SYS_close_range, output_fd + 1, ~0u, 0);
  std::set_new_handler(out_of_memory);
  const std::optional<ExtractorKind> kind = extractor_named(argv[4]);
  if (kind) exit_code = serve(std::strtoull(argv[3], nullptr, 10), *kind);
  return true;
}

}  // namespace penstock
