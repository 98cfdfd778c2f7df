#include "sim/replay/read_ahead.h"

#include <utility>

namespace heapsim::sim {

ReadAhead::ReadAhead(BlockSource* source)
    : source_(source), events_(source->events()), ring_(kBlocks), thread_([this] { Work(); }) {}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// The block being made is one that nobody else looks at, so the lock is free meanwhile.
void ReadAhead::Work() {
  size_t next = 0;
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || waiting_ < kBlocks; });
      if (stop_) return;
    }
    absl::StatusOr<bool> more = false;
    std::exception_ptr exception;
    try {
      more = source_->Next(&ring_[next]);
    } catch (...) {
      exception = std::current_exception();
    }
    const bool ended = exception != nullptr || !more.ok() || !*more;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (ended) {
        ended_ = true;
        status_ = more.status();
        exception_ = exception;
      } else {
        ++waiting_;
      }
    }
    changed_.notify_all();
    if (ended) return;
    next = (next + 1) % kBlocks;
  }
}

absl::StatusOr<bool> ReadAhead::Next(traces::EventBlock* block) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ != 0 || ended_; });
    if (waiting_ == 0) {
      if (exception_ != nullptr) std::rethrow_exception(exception_);
      if (!status_.ok()) return status_;
      return false;
    }
    std::swap(*block, ring_[first_]);
    first_ = (first_ + 1) % kBlocks;
    --waiting_;
  }
  changed_.notify_all();
  return true;
}

}  // namespace heapsim::sim
