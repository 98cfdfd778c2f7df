#include "sim/replay/heap_map.h"

#include <algorithm>
#include <tuple>

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Bytes;

constexpr uint64_t kHugePage = uint64_t{2} << 20;

}  // namespace

MapBuilder::MapBuilder(Address begin, Address end, uint32_t cells) : begin_(begin.v) {
  const uint64_t length = end.v - begin.v;
  while ((length + cell_bytes_ - 1) / cell_bytes_ > cells) cell_bytes_ *= 2;
  cells_.resize((length + cell_bytes_ - 1) / cell_bytes_);
}

template <typename Visit>
void MapBuilder::ForCells(uint64_t begin, uint64_t end, const Visit& visit) {
  for (uint64_t a = begin; a < end;) {
    const uint64_t cell = (a - begin_) / cell_bytes_;
    const uint64_t stop = std::min(end, begin_ + (cell + 1) * cell_bytes_);
    visit(cells_[cell], stop - a);
    a = stop;
  }
}

void MapBuilder::Add(uint64_t begin, uint64_t end, proto::MapState state, uint32_t size_class) {
  ForCells(begin, end, [&](Cell& cell, uint64_t bytes) {
    cell.bytes[static_cast<size_t>(state)] += bytes;
    if (state != proto::MAP_STATE_SMALL) return;
    for (auto& [of_class, sum] : cell.class_bytes) {
      if (of_class != size_class) continue;
      sum += bytes;
      return;
    }
    cell.class_bytes.emplace_back(size_class, bytes);
  });
}

void MapBuilder::AddLive(uint64_t begin, uint64_t end) {
  ForCells(begin, end, [](Cell& cell, uint64_t bytes) { cell.live += bytes; });
}

uint64_t MapBuilder::HugeBytes(const Machine& machine, uint64_t begin) const {
  const uint64_t step = std::min(cell_bytes_, kHugePage);
  uint64_t huge = 0;
  for (uint64_t a = begin; a < begin + cell_bytes_; a += step) {
    if (machine.IsHuge(Address(a))) huge += step;
  }
  return huge;
}

void MapBuilder::Finish(const Machine& machine, proto::HeapMap* map) const {
  map->set_begin_address(begin_);
  map->set_cell_bytes(cell_bytes_);
  // State, size class, and three shares in percent.
  using Look = std::tuple<proto::MapState, uint32_t, uint32_t, uint32_t, uint32_t>;
  Look before;
  const bool any_lazy = machine.lazily_freed_bytes().v != 0;
  const bool any_huge = machine.huge_bytes().v != 0;
  for (size_t i = 0; i < cells_.size(); ++i) {
    const Cell& cell = cells_[i];
    // The first of those with the most bytes.
    const auto most = std::max_element(cell.bytes.begin(), cell.bytes.end());
    const auto state = static_cast<proto::MapState>(most - cell.bytes.begin());
    uint32_t size_class = 0;
    if (state == proto::MAP_STATE_SMALL) {
      size_class =
          std::max_element(cell.class_bytes.begin(), cell.class_bytes.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; })
              ->first;
    }
    const Address begin(begin_ + i * cell_bytes_);
    uint64_t resident = machine.ResidentBytes(begin, Bytes(cell_bytes_)).v;
    if (any_lazy) resident -= machine.LazilyFreedBytes(begin, Bytes(cell_bytes_)).v;
    const Look look{state, size_class, Percent(cell.live), Percent(resident),
                    any_huge ? Percent(HugeBytes(machine, begin.v)) : 0};
    if (i != 0 && look == before) {
      const int last = map->run_cells_size() - 1;
      map->set_run_cells(last, map->run_cells(last) + 1);
      continue;
    }
    before = look;
    map->add_run_cells(1);
    map->add_run_state(state);
    map->add_run_size_class(size_class);
    map->add_run_live_percent(std::get<2>(look));
    map->add_run_resident_percent(std::get<3>(look));
    map->add_run_huge_percent(std::get<4>(look));
  }
}

}  // namespace heapsim::sim
