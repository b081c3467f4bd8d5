// JUnit's XML, as CI systems read it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace penstock {

enum class Fate { passed, failure, error, skipped };

struct TestCase {
  std::string name;
  Fate fate = Fate::passed;
  std::string message;  // of one that passed: what it found
};

struct TestSuite {
  std::string name;
  double time_s = 0;
  std::string started;
  std::vector<std::pair<std::string, std::string>> properties;
  std::vector<TestCase> cases;
};

std::string junit_xml(const std::vector<TestSuite>& suites);

}  // namespace penstock
