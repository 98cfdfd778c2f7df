// What a machine's calls cost the simulator: bazel run //sim/machine:machine_bench

#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "sim/machine/machine.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;

constexpr Address kArena(0xc000000000);

uint64_t Next(uint64_t* state) {
  *state = *state * 6364136223846793005 + 1442695040888963407;
  return *state >> 33;
}

// Objects of the given size at random places of a heap that is resident: the replayer's hot path.
void TouchResident(benchmark::State& state) {
  const uint64_t heap_size = state.range(0);
  const Bytes size(state.range(1));
  Machine machine;
  machine.Map(kArena, Bytes(heap_size));
  // Not in one touch, so that each chunk has words of its own.
  for (uint64_t at = 0; at < heap_size; at += 1 << 20)
    machine.Touch(kArena + Bytes(at), Bytes(1 << 20));
  std::vector<uint64_t> places(1 << 16);
  uint64_t seed = 1;
  for (uint64_t& place : places) place = kArena.v + (Next(&seed) << 4) % (heap_size - size.v);
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.Touch(Address(places[i]), size));
    i = (i + 1) & (places.size() - 1);
  }
}
BENCHMARK(TouchResident)
    ->Args({64 << 20, 64})
    ->Args({int64_t{16} << 30, 64})
    ->Args({int64_t{256} << 30, 64})
    ->Args({int64_t{16} << 30, 8192})
    ->Args({int64_t{16} << 30, 1 << 20});

// Pages that are given back and faulted in again, n at a time.
void ReleaseAndRefault(benchmark::State& state) {
  const Bytes size(state.range(0) * 4096);
  Machine machine;
  machine.Map(kArena, Bytes(16 << 20));
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.Touch(kArena + Bytes(4096), size));
    machine.Advise(kArena + Bytes(4096), size, Advice::kDontNeed);
  }
}
BENCHMARK(ReleaseAndRefault)->Arg(1)->Arg(2)->Arg(32)->Arg(2048);

void FreeAndRevive(benchmark::State& state) {
  const Bytes size(state.range(0) * 4096);
  Machine machine;
  machine.Map(kArena, Bytes(16 << 20));
  machine.Touch(kArena, Bytes(16 << 20));
  for (auto _ : state) {
    machine.Advise(kArena + Bytes(4096), size, Advice::kFree);
    benchmark::DoNotOptimize(machine.Touch(kArena + Bytes(4096), size));
  }
}
BENCHMARK(FreeAndRevive)->Arg(1)->Arg(32);

// Advice that splits an area and merges it again, among n areas.
void SplitAndMerge(benchmark::State& state) {
  Machine machine;
  const uint64_t areas = state.range(0);
  machine.Map(kArena, Bytes(areas * 8192));
  for (uint64_t i = 0; i < areas; i += 2) {
    machine.Advise(kArena + Bytes(i * 8192), Bytes(8192), Advice::kNoHugePage);
  }
  for (auto _ : state) {
    machine.Advise(kArena + Bytes(4096), Bytes(4096), Advice::kHugePage);
    machine.Advise(kArena + Bytes(4096), Bytes(4096), Advice::kNoHugePage);
  }
}
BENCHMARK(SplitAndMerge)->Arg(2)->Arg(60000);

void TouchTerabyte(benchmark::State& state) {
  for (auto _ : state) {
    Machine machine;
    machine.Map(kArena, Bytes(uint64_t{1} << 40));
    benchmark::DoNotOptimize(machine.Touch(kArena, Bytes(uint64_t{1} << 40)));
  }
}
BENCHMARK(TouchTerabyte)->Unit(benchmark::kMicrosecond);

void CountResident(benchmark::State& state) {
  const Bytes size(uint64_t{16} << 30);
  Machine machine;
  machine.Map(kArena, size);
  for (uint64_t at = 0; at < size.v; at += 1 << 20)
    machine.Touch(kArena + Bytes(at), Bytes(1 << 19));
  for (auto _ : state) benchmark::DoNotOptimize(machine.ResidentBytes(kArena, size));
}
BENCHMARK(CountResident)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace heapsim::sim
