#include "cli/backend_url.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("backend url: a password is not shown wherever it is written") {
  CHECK(without_password("redis://:secret@h:1/0") == "redis://:***@h:1/0");
  CHECK(without_password("redis+cluster://u:a/b,c@d@h:1,i:2") == "redis+cluster://u:***@h:1,i:2");
  CHECK(without_password("postgres://u:a?b@h/d") == "postgres://u:***@h/d");
  CHECK(without_password("postgres://u@h/d?sslmode=require&password=secret&port=1") ==
        "postgres://u@h/d?sslmode=require&password=***&port=1");
}

TEST_CASE("backend url: what has no password is shown as it is") {
  for (const char* url : {"", "sqlite:/a/b@c", "redis://h:1/0", "redis+cluster://h:1,i:2",
                          "postgres://u@h:5432/d?sslmode=require", "pinecone://h:443/space"})
    CHECK(without_password(url) == url);
}

}  // namespace
}  // namespace penstock
