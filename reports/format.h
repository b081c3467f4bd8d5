// Numbers as a person reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

std::string with_commas(std::uint64_t number);               // 1,234,567
std::string human_bytes(std::uint64_t bytes);                // 12.3 MB, in powers of 1,000
std::string human_tokens(std::uint64_t tokens);              // 812, 9.8 k, 1.2 M
std::string human_rate(double a_second);                     // 0.4, 41.2, 1,204, 61.2 k, 1.2 M
std::string human_time(std::chrono::duration<double> time);  // 0.42 s, 12.3 s, 4:05, 3:12:07

// Of one document: 0.3 ms, 45 ms, and from a tenth of a second on as human_time.
std::string human_latency(std::chrono::duration<double> time);

std::string human_amount(double amount);  // 0.42, 12.3, 1,204, 61.2 k

std::string human_cost(double cost);  // 12.35; 0.00042 below a cent

// One line without control characters, whatever a file name or a document holds.
std::string printable(std::string_view text);

// "1 document", "2 documents".
std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace penstock
