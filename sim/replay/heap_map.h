// The heap's address space as a row of cells (proto: HeapMap).
#ifndef HEAPSIM_SIM_REPLAY_HEAP_MAP_H_
#define HEAPSIM_SIM_REPLAY_HEAP_MAP_H_

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "heap/units.h"
#include "proto/snapshot.pb.h"
#include "sim/machine/machine.h"

namespace heapsim::sim {

class MapBuilder {
 public:
  // For [begin, end), whole heap pages, in at most `cells` > 0 cells.
  MapBuilder(heap::Address begin, heap::Address end, uint32_t cells);

  // [begin, end) is of this state. Every byte must be added exactly once.
  void Add(uint64_t begin, uint64_t end, proto::MapState state, uint32_t size_class);
  // Of it, this holds a live object.
  void AddLive(uint64_t begin, uint64_t end);

  // Asks the machine what is resident, and joins what looks alike.
  void Finish(const Machine& machine, proto::HeapMap* map) const;

 private:
  struct Cell {
    std::array<uint64_t, 4> bytes = {};                      // by state
    uint64_t live = 0;                                       // bytes
    std::vector<std::pair<uint32_t, uint64_t>> class_bytes;  // of small spans, as they came
  };
  // Calls visit(cell, bytes) for each cell that [begin, end) meets.
  template <typename Visit>
  void ForCells(uint64_t begin, uint64_t end, const Visit& visit);
  uint32_t Percent(uint64_t bytes) const {
    return static_cast<uint32_t>((bytes * 100 + cell_bytes_ - 1) / cell_bytes_);
  }
  uint64_t HugeBytes(const Machine& machine, uint64_t begin) const;

  uint64_t begin_;
  uint64_t cell_bytes_ = heap::kPageSize;
  std::vector<Cell> cells_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_HEAP_MAP_H_
