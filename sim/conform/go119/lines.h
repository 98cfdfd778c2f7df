// The lines that an operation's last step would have written and that the log has yet to show.
#ifndef HEAPSIM_SIM_CONFORM_GO119_LINES_H_
#define HEAPSIM_SIM_CONFORM_GO119_LINES_H_

#include <cstddef>
#include <vector>

#include "heap/pages/go119/page_heap.h"
#include "sim/conform/go119/expected.h"

namespace heapsim::sim::go119 {

class Lines {
 public:
  bool empty() const { return next_ == lines_.size(); }
  size_t size() const { return lines_.size() - next_; }
  const Expected& front() const { return lines_[next_]; }
  void Push(const Expected& line) { lines_.push_back(line); }
  void Pop() {
    if (++next_ == lines_.size()) Clear();
  }
  void Clear() {
    lines_.clear();
    next_ = 0;
  }

  // Whose step it is that is being done, and the P on which it runs.
  void Begin(heap::go119::Worker owner, int32_t proc) {
    owner_ = owner;
    proc_ = proc;
  }
  heap::go119::Worker owner() const { return owner_; }
  int32_t proc() const { return proc_; }

 private:
  std::vector<Expected> lines_;
  size_t next_ = 0;
  heap::go119::Worker owner_ = heap::go119::kNoProc;
  int32_t proc_ = heap::go119::kNoProc;
};

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_LINES_H_
