// Reads one JSON document from standard input and prints the value at a JSON pointer (RFC 6901): strings as
// they are, everything else as JSON. For tests/cli_test.sh, which may not assume a JSON tool.
//   json_check [/pointer/to/value]
// Returns 1 when the input is not exactly one JSON document or has no such value.

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

int main(int argc, char** argv) {
  using Json = nlohmann::json;
  const Json document = Json::parse(std::cin, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    std::cerr << "json_check: not JSON\n";
    return 1;
  }
  if (argc < 2) return 0;
  const Json::json_pointer pointer(argv[1]);
  if (!document.contains(pointer)) {
    std::cerr << "json_check: no value at " << argv[1] << "\n";
    return 1;
  }
  const Json& value = document[pointer];
  std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
  return 0;
}
