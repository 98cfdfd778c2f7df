#include "heap/fatal.h"

#include <string>
#include <utility>

namespace heapsim::heap {

void Throw(FatalCode code, std::string text) { throw FatalError(code, std::move(text)); }

}  // namespace heapsim::heap
