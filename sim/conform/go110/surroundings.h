// The heap around an address, as text for whoever looks into a mismatch.
#ifndef HEAPSIM_SIM_CONFORM_GO110_SURROUNDINGS_H_
#define HEAPSIM_SIM_CONFORM_GO110_SURROUNDINGS_H_

#include <string>

#include "heap/heap.h"
#include "heap/pages/go110.h"
#include "heap/units.h"

namespace heapsim::sim::go110 {

// The spans around `about`, a line each, with offsets from the arena's start; the treap from its
// root to where spans of that length are. The heap may be in the middle of an operation.
std::string Surroundings(const heap::Heap& heap, const heap::Go110Pages& pages,
                         heap::Address about);

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_SURROUNDINGS_H_
