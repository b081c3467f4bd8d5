#include "engine/stages/extract/lockdown.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"

namespace penstock {
namespace {

constexpr const char* character_maps = "/usr/share/poppler";

// Rights that this machine's <linux/landlock.h> may not name yet, from the kernel's own.
constexpr std::uint64_t access_refer = 1ull << 13;     // ABI 2
constexpr std::uint64_t access_truncate = 1ull << 14;  // ABI 3
constexpr std::uint64_t access_ioctl = 1ull << 15;     // ABI 5
constexpr std::uint64_t network_all = 0b11;            // ABI 4: bind and connect
constexpr std::uint64_t scope_all = 0b11;              // ABI 6: abstract sockets and signals
constexpr std::uint64_t access_first_abi = (1ull << 13) - 1;

struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

[[noreturn]] void refuse(const std::string& what, int code) {
  throw FatalError("the extraction sandbox cannot be set up: " + what + ": " +
                   std::generic_category().message(code));
}

void limit(__rlimit_resource resource, std::uint64_t value, const char* what) {
  const rlimit both{value, value};
  if (setrlimit(resource, &both) != 0) refuse(what, errno);
}

// The kernel's ABI, 0 without Landlock.
int restrict_files() {
  const long abi =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi <= 0) return 0;
  RulesetAttributes attributes{access_first_abi, 0, 0};
  std::size_t size = sizeof attributes.handled_access_fs;
  if (abi >= 2) attributes.handled_access_fs |= access_refer;
  if (abi >= 3) attributes.handled_access_fs |= access_truncate;
  if (abi >= 5) attributes.handled_access_fs |= access_ioctl;
  if (abi >= 4) {
    attributes.handled_access_net = network_all;
    size += sizeof attributes.handled_access_net;
  }
  if (abi >= 6) {
    attributes.scoped = scope_all;
    size += sizeof attributes.scoped;
  }
  const UniqueFd ruleset(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) refuse("Landlock", errno);
  const UniqueFd folder(open(character_maps, O_PATH | O_CLOEXEC));
  if (folder) {
    const landlock_path_beneath_attr readable{
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, folder.get()};
    if (syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &readable, 0) !=
        0)
      refuse("Landlock", errno);
  }
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) refuse("Landlock", errno);
  return static_cast<int>(abi);
}

#ifndef PENSTOCK_SANITIZED
void restrict_calls() {
  // Found by running corpora under strace; the last line is what abort() takes, so that a crash
  // shows as SIGABRT and not as a forbidden call.
  constexpr int allowed[] = {SCMP_SYS(read),           SCMP_SYS(write),         SCMP_SYS(close),
                             SCMP_SYS(newfstatat),     SCMP_SYS(fstat),         SCMP_SYS(lseek),
                             SCMP_SYS(openat),         SCMP_SYS(getdents64),    SCMP_SYS(mmap),
                             SCMP_SYS(munmap),         SCMP_SYS(mremap),        SCMP_SYS(mprotect),
                             SCMP_SYS(madvise),        SCMP_SYS(brk),           SCMP_SYS(sysinfo),
                             SCMP_SYS(futex),          SCMP_SYS(recvmsg),       SCMP_SYS(sendmsg),
                             SCMP_SYS(sendto),         SCMP_SYS(fcntl),         SCMP_SYS(exit),
                             SCMP_SYS(exit_group),     SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),
                             SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),  SCMP_SYS(getpid),
                             SCMP_SYS(gettid),         SCMP_SYS(tgkill)};
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) refuse("seccomp", ENOMEM);
  int code = 0;
  for (const int call : allowed)
    if (code == 0) code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
  if (code == 0) code = seccomp_load(filter);
  seccomp_release(filter);
  if (code != 0) refuse("seccomp", -code);
}
#endif

}  // namespace

Lockdown lock_down(std::uint64_t memory_bytes_max) {
  Lockdown done;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) refuse("no_new_privs", errno);
  limit(RLIMIT_CORE, 0, "core dumps");
  limit(RLIMIT_NPROC, 0, "processes");
  done.landlock_abi = restrict_files();
#ifndef PENSTOCK_SANITIZED
  limit(RLIMIT_AS, memory_bytes_max, "memory");
  done.memory_limit = true;
  restrict_calls();
  done.seccomp = true;
#else
  static_cast<void>(memory_bytes_max);
#endif
  return done;
}

}  // namespace penstock
