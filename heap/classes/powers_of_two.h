// Size classes at powers of two, the plainest there are: half of a slot may be lost.
#ifndef HEAPSIM_HEAP_CLASSES_POWERS_OF_TWO_H_
#define HEAPSIM_HEAP_CLASSES_POWERS_OF_TWO_H_

#include "heap/size_classes.h"

namespace heapsim::heap {

// 8 bytes to 32 KiB, spans of one page or of four slots, whichever is more.
const SizeClasses& PowersOfTwo();

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_CLASSES_POWERS_OF_TWO_H_
