// Certificates for servers of a test's own, and whom the clients of a test trust.
#pragma once

#include <cstdlib>
#include <string>

#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {

// A certificate of 127.0.0.1 that signs itself, so that nobody trusts it who is not told to.
class Certificate {
 public:
  // Prints why not.
  static bool can_be_made() {
    if (std::system("openssl version >/dev/null 2>&1") == 0) return true;
    if (std::getenv("CI") != nullptr) FAIL("openssl is missing");
    WARN("skipped: openssl is missing (Debian package openssl)");
    return false;
  }

  Certificate() {
    const std::string make =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test"
        " -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key_path() + " -out " + path() + " 2>/dev/null";
    REQUIRE(std::system(make.c_str()) == 0);
  }

  std::string path() const { return folder_.path("certificate.pem"); }
  std::string key_path() const { return folder_.path("key.pem"); }

 private:
  const TempDir folder_;
};

// Where SSL_CERT_FILE points for the clients of a scope.
class TrustedFile {
 public:
  explicit TrustedFile(const std::string& path) { ::setenv("SSL_CERT_FILE", path.c_str(), 1); }
  ~TrustedFile() { ::unsetenv("SSL_CERT_FILE"); }
  TrustedFile(const TrustedFile&) = delete;
  TrustedFile& operator=(const TrustedFile&) = delete;
};

}  // namespace penstock
