// The allocator's operating system while a log is checked: address space comes as the log says, and
// advice is a line that must follow.
#ifndef HEAPSIM_SIM_CONFORM_GO119_LOG_OS_H_
#define HEAPSIM_SIM_CONFORM_GO119_LOG_OS_H_

#include <cstddef>

#include "heap/pages/go119/address_ranges.h"
#include "heap/seams.h"
#include "sim/conform/go119/header.h"
#include "sim/conform/go119/lines.h"
#include "sim/conform/line_cursor.h"

namespace heapsim::sim::go119 {

class LogOs final : public heap::Os {
 public:
  LogOs(LineCursor* cursor, const Header* header) : cursor_(cursor), header_(header) {}

  // A step begins, whose lines go to `lines`. The cursor is at its first line, and what is reserved
  // is looked up behind it; with `written` false it is not, and everything that is asked for is
  // given.
  void BeginStep(Lines* lines, bool written) {
    lines_ = lines;
    written_ = written;
    ahead_ = 0;
  }

  heap::Bytes PhysicalPageSize() const override { return header_->phys_page; }
  heap::Address Reserve(heap::Address hint, heap::Bytes length) override;
  bool Map(heap::MapArea, heap::Address, heap::Bytes, heap::SysStat) override { return true; }
  heap::Address Alloc(heap::Bytes length, heap::SysStat) override { return Table(length); }
  void Free(heap::Address, heap::Bytes, heap::SysStat) override {}
  bool Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) override;
  void Fault(heap::Address, heap::Bytes) override {}
  heap::Address Persistent(heap::Bytes size, heap::Bytes, heap::SysStat, heap::Bytes) override {
    return Table(size);
  }
  void Touch(heap::Address, heap::Bytes) override {}

 private:
  heap::Address Table(heap::Bytes length);

  LineCursor* cursor_;
  const Header* header_;
  Lines* lines_ = nullptr;  // null: the log has not begun
  heap::go119::AddressRanges given_;
  heap::Address next_table_{uint64_t{1} << 16};  // below everything that a log reserves
  bool written_ = false;
  size_t ahead_ = 0;  // lines behind the cursor in which reservations were looked for
};

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_LOG_OS_H_
