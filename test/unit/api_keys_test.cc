#include "engine/backends/openai/api_keys.h"

#include <sys/stat.h>

#include <cstdlib>
#include <initializer_list>

#include "engine/core/error.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

// The environment variables that matter, with these values and no others.
class Environment {
 public:
  Environment(std::initializer_list<std::pair<const char*, const char*>> variables) {
    clear();
    for (const auto& [name, value] : variables) setenv(name, value, 1);
  }
  ~Environment() { clear(); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void clear() {
    for (const char* name :
         {"PENSTOCK_API_KEY", "OPENAI_API_KEY", "PENSTOCK_API_KEY_A", "PENSTOCK_API_KEY_B",
          "PENSTOCK_API_KEY_DEFAULT", "PENSTOCK_API_KEY_TEAM_1_X"})
      unsetenv(name);
  }
};

const std::string& secret_of(const ApiKeys& loaded, std::size_t key) {
  return loaded.keys.at(key).secret.expose();
}

std::string refusal(const std::vector<std::string>& specs,
                    const std::optional<std::string>& file = std::nullopt) {
  try {
    load_api_keys(specs, file);
  } catch (const FatalError& error) {
    const std::string message = error.what();
    CHECK(message.find("hunter2") == std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "";
}

TEST_CASE("api keys: a key has a name and limits that may be unknown") {
  const Environment environment = {{"PENSTOCK_API_KEY_A", "s1"}, {"PENSTOCK_API_KEY_B", "s2"}};
  const auto limits = [](const std::string& spec) {
    const ApiKey key = load_api_keys({spec}, std::nullopt).keys.at(0);
    CHECK(key.name == "a");
    return std::pair(key.requests_per_minute, key.tokens_per_minute);
  };
  CHECK(limits("a:3000:1000000") == std::pair(3'000.0, 1'000'000.0));
  CHECK(limits("a:0.5:") == std::pair(0.5, 0.0));
  CHECK(limits("a::9") == std::pair(0.0, 9.0));
  CHECK(limits("a:0:0") == std::pair(0.0, 0.0));
  CHECK(limits("a:1") == std::pair(1.0, 0.0));
  CHECK(limits("a") == std::pair(0.0, 0.0));
  const ApiKeys both = load_api_keys({"b:1:2", "a"}, std::nullopt);
  REQUIRE(both.keys.size() == 2);
  CHECK(secret_of(both, 0) == "s2");
  CHECK(secret_of(both, 1) == "s1");
}

TEST_CASE("api keys: a malformed key is refused") {
  const Environment environment = {{"PENSTOCK_API_KEY_A", "s1"}};
  for (const char* bad : {"a:-1:5", "a:1e9:5", "a:x:5", "a:1:2:3", "a:1:99999999999999", "a: 1:2",
                          "a:nan:", "a:inf:", "a:hunter2:1"}) {
    INFO(bad);
    CHECK(refusal({bad}) ==
          "API key a: a limit is not a number; a key is NAME:REQUESTS:TOKENS, both per minute");
  }
  // Some would be a secret in the wrong place.
  for (const char* bad : {"", ":1:2", "a b", "sk-hunter2", "é", "hunter2="}) {
    INFO(bad);
    CHECK_THAT(refusal({bad}), Catch::Matchers::StartsWith("an API key is named, such as "));
  }
}

TEST_CASE("api keys: names are distinct and so are their variables") {
  const Environment environment = {{"PENSTOCK_API_KEY_A", "s"}, {"PENSTOCK_API_KEY_TEAM_1_X", "s"}};
  CHECK(refusal({"a:1:1", "a:2:2"}) == "API key a is given twice");
  CHECK(refusal({"team-1.x", "TEAM_1-X"}) ==
        "API keys team-1.x and TEAM_1-X would share PENSTOCK_API_KEY_TEAM_1_X: rename one");
  CHECK(secret_of(load_api_keys({"team-1.x"}, std::nullopt), 0) == "s");
}

TEST_CASE("api keys: without a name there is one key that may lack a secret") {
  const auto only_secret = [] {
    const ApiKeys loaded = load_api_keys({}, std::nullopt);
    REQUIRE(loaded.keys.size() == 1);
    CHECK(loaded.keys[0].name == "default");
    return loaded.keys[0].secret.expose();
  };
  {
    const Environment environment = {};
    CHECK(only_secret().empty());
    CHECK(load_api_keys({"default:600:"}, std::nullopt).keys[0].secret.empty());
  }
  {
    const Environment environment = {{"OPENAI_API_KEY", " o\n"}};
    CHECK_THROWS_AS(only_secret(), FatalError);
  }
  {
    const Environment environment = {{"OPENAI_API_KEY", " o "}};
    CHECK(only_secret() == "o");
  }
  {
    const Environment environment = {{"OPENAI_API_KEY", "o"}, {"PENSTOCK_API_KEY", "p"}};
    CHECK(only_secret() == "p");
  }
}

TEST_CASE("api keys: a named key without a secret is refused with what to do") {
  const Environment environment = {{"OPENAI_API_KEY", "o"}};
  CHECK(refusal({"a"}) ==
        "API key a has no secret: set PENSTOCK_API_KEY_A or give --keys-file with a line a=SECRET");
}

TEST_CASE("api keys: a file has a line for each key") {
  const Environment environment = {{"PENSTOCK_API_KEY_B", "from-b"}, {"PENSTOCK_API_KEY_A", "no"}};
  const TempDir dir;
  const std::string file =
      dir.write("keys", "\xEF\xBB\xBF# ours\r\n\r\n  a = from=a== \r\nother=x\r\n");
  chmod(file.c_str(), 0600);
  const ApiKeys loaded = load_api_keys({"a", "b"}, file);
  CHECK(secret_of(loaded, 0) == "from=a==");  // it was named, the environment was just there
  CHECK(secret_of(loaded, 1) == "from-b");
  CHECK(loaded.warning == std::nullopt);
  chmod(file.c_str(), 0644);
  CHECK(load_api_keys({"a"}, file).warning ==
        file + " holds API keys and can be read by others: chmod 600 " + file);
}

TEST_CASE("api keys: a file with one secret belongs to the default key") {
  const Environment environment = {{"OPENAI_API_KEY", "o"}};
  const TempDir dir;
  CHECK(secret_of(load_api_keys({}, dir.write("keys", "# mine\nhunter2\n")), 0) == "hunter2");
  CHECK(secret_of(load_api_keys({}, dir.write("keys", "aHVudGVyMg==")), 0) == "aHVudGVyMg==");
  CHECK(secret_of(load_api_keys({}, dir.write("keys", "default=x\n")), 0) == "x");
  CHECK(secret_of(load_api_keys({}, dir.write("keys", "# nothing\n")), 0) == "o");
}

TEST_CASE("api keys: a broken file is refused and its secrets stay in it") {
  const Environment environment = {};
  const TempDir dir;
  const auto refused = [&](std::string_view text) {
    const std::string file = dir.write("keys", text);
    const std::string message = refusal({"a"}, file);
    REQUIRE_THAT(message, Catch::Matchers::StartsWith(file));
    return message.substr(file.size());
  };
  CHECK(refused("a=x\nhunter2\n") == ":2: not NAME=SECRET");
  CHECK(refused("a b=hunter2") == ":1: not NAME=SECRET");
  CHECK(refused("a=hunter2\na=hunter2") == ":2: a key of this name stands above");
  CHECK(refused("b=1\n\na=\n") == ":3: no secret behind the name");
  CHECK(refused("a=hunter2\x01") == ":1: a secret is visible ASCII without spaces");
  CHECK(refused("a=hunter2 hunter2") == ":1: a secret is visible ASCII without spaces");
  CHECK(refused("hunter2\x80") == ":1: a secret is visible ASCII without spaces");
  CHECK(refused(std::string(2 << 20, '#')) == ": too long to be a file of API keys");
  CHECK(refusal({}, dir.path("absent")) ==
        dir.path("absent") + ": cannot be opened; it is to hold API keys, NAME=SECRET");
  CHECK_THAT(refusal({}, dir.path()), Catch::Matchers::StartsWith(dir.path() + ": cannot be read"));
}

TEST_CASE("api keys: a secret in the environment cannot forge a header") {
  const Environment environment = {{"PENSTOCK_API_KEY_A", "hunter2\r\nX-Forged: 1"}};
  CHECK(refusal({"a"}) == "PENSTOCK_API_KEY_A: a secret is visible ASCII without spaces");
}

}  // namespace
}  // namespace penstock
