#include "sim/tool/check_flag.h"

#include <CLI/CLI.hpp>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace heapsim::sim {

void AddCheckFlag(CLI::App& app, uint64_t* every) {
  app.add_option_function<std::string>(
         "--check",
         [every](const std::string& text) {
           absl::string_view number = text;
           if (!absl::ConsumePrefix(&number, "every:") || !absl::SimpleAtoi(number, every) ||
               *every == 0) {
             throw CLI::ValidationError("--check", "'" + text + "' is not of the form every:N");
           }
         },
         "check the heap's invariants every N events")
      ->type_name("every:N");
}

}  // namespace heapsim::sim
