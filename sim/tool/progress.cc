#include "sim/tool/progress.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_format.h"

namespace heapsim::sim {
namespace {

constexpr std::chrono::milliseconds kFirst{500};
constexpr std::chrono::milliseconds kEvery{100};
constexpr int kBarWidth = 30;

}  // namespace

Progress::Progress(uint64_t total)
    : shown_(isatty(STDERR_FILENO) != 0),
      total_(total),
      start_(Clock::now()),
      next_(start_ + kFirst) {}

Progress::~Progress() {
  if (printed_) std::fputs("\r\033[K", stderr);
}

void Progress::Update(uint64_t done) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + kEvery;
  printed_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double million = static_cast<double>(done) / 1e6;
  if (total_ == 0 || done > total_) {
    absl::FPrintF(stderr, "\r\033[K%.1f million events, %.1f million/s", million,
                  million / seconds);
    return;
  }
  const double part = static_cast<double>(done) / static_cast<double>(total_);
  const int filled = static_cast<int>(part * kBarWidth);
  absl::FPrintF(stderr, "\r\033[K[%s%s] %3.0f %%, %.1f million events/s, %.0f s left",
                std::string(filled, '='), std::string(kBarWidth - filled, ' '), part * 100,
                million / seconds, seconds * (1 / part - 1));
}

}  // namespace heapsim::sim
