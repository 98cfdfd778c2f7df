// Replays an op file (op_file.h) with the malloc of this process, which LD_PRELOAD chooses.
//
//   native_replay FILE LIBRARY    LIBRARY: part of a name that must be mapped; "": none need be
//
// Prints seconds as "name value" lines. Includes nothing that would allocate on its own.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/bench/clocks.h"
#include "tests/bench/op_file.h"

namespace heapsim::bench {
namespace {

// ld.so only warns about a library that it cannot find.
bool IsMapped(const char* library) {
  if (*library == '\0') return true;
  FILE* maps = std::fopen("/proc/self/maps", "r");
  if (maps == nullptr) return false;
  char line[1024];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, maps) != nullptr) {
    found = std::strstr(line, library) != nullptr;
  }
  std::fclose(maps);
  return found;
}

int Run(const char* path, const char* library) {
  if (!IsMapped(library)) {
    std::puts("absent 1");
    return 0;
  }
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat s;
  if (fd < 0 || fstat(fd, &s) != 0) {
    std::perror(path);
    return 1;
  }
  const size_t size = static_cast<size_t>(s.st_size);
  // Read in at once, so that the kernel's work for the file is not the allocator's.
  void* file = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (file == MAP_FAILED || size < sizeof(OpFileHeader)) {
    std::fprintf(stderr, "%s: no op file\n", path);
    return 1;
  }
  const OpFileHeader& header = *static_cast<const OpFileHeader*>(file);
  const uint32_t* op = reinterpret_cast<const uint32_t*>(&header + 1);
  const uint32_t* sizes = op + header.events;
  void* table = mmap(nullptr, header.ids * sizeof(char*) + 1, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (table == MAP_FAILED) {
    std::perror("objects");
    return 1;
  }
  char** objects = static_cast<char**>(table);
  const auto run = [&](uint64_t events) {
    for (const uint32_t* end = op + events; op != end; ++op) {
      if ((*op & kOpFree) != 0) {
        std::free(objects[*op & ~kOpFree]);
      } else {
        char* object = static_cast<char*>(std::malloc(*sizes++));
        *object = 1;
        objects[*op] = object;
      }
    }
  };
  const Times begin = Times::Now();
  run(header.events / 2);
  const Times middle = Times::Now();
  run(header.events - header.events / 2);
  const Times end = Times::Now();
  std::printf("wall %.9f\ncpu %.9f\nwall2 %.9f\ncpu2 %.9f\n", (end - begin).wall, (end - begin).cpu,
              (end - middle).wall, (end - middle).cpu);
  return 0;
}

}  // namespace
}  // namespace heapsim::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: native_replay FILE LIBRARY\n", stderr);
    return 2;
  }
  return heapsim::bench::Run(argv[1], argv[2]);
}
