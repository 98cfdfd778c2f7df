#include "sim/native/native_replay.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/virtual_array.h"
#include "sim/native/allocators.h"
#include "sim/native/available_memory.h"
#include "sim/native/child.h"
#include "sim/native/native_meter.h"
#include "sim/replay/assumptions.h"

namespace heapsim::sim {
namespace {

using native::Action;
using native::Call;
using native::kMaxCalls;
using traces::EventKind;

constexpr uint64_t kEventNs = 1000;
// posix_memalign takes no less.
constexpr int kLeastAlignmentLog2 = 3;

native::TouchModel TouchOf(const proto::Policy& policy) {
  switch (policy.objects().touch()) {
    case proto::Objects::TOUCH_FIRST:
      return native::TouchModel::kFirst;
    case proto::Objects::TOUCH_NONE:
      return native::TouchModel::kNone;
    default:
      return native::TouchModel::kWhole;
  }
}

class NativeRun {
 public:
  NativeRun(NativeChild& child, const proto::Policy& policy, const ReplayOptions& options)
      : child_(child),
        options_(options),
        touch_(TouchOf(policy)),
        zero_all_(policy.objects().zero() == proto::Objects::ZERO_ALL),
        limit_(static_cast<uint64_t>(policy.os().limit_bytes())),
        available_(AvailableMemory()),
        sizes_(size_t{1} << 32),
        plan_(options.samples),
        meter_(options.samples),
        releases_(options.release_at) {
    std::sort(releases_.begin(), releases_.end());
    pending_.reserve(kMaxCalls);
  }

  // Until the source ends, the user stops or the process cannot go on.
  absl::Status Run(BlockSource& source, ReplayOutcome* outcome) {
    traces::EventBlock own;
    for (;;) {
      if (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed)) {
        outcome->complete = false;
        break;
      }
      const absl::StatusOr<const traces::EventBlock*> block = source.Borrow(&own);
      if (!block.ok()) return block.status();
      if (*block == nullptr) break;
      if (absl::Status status = AddBlock(**block); !status.ok()) return status;
      if (!Flush()) break;
      if (options_.progress) options_.progress((*block)->first_event + (*block)->count - 1);
    }
    outcome->fatal = fatal_;
    if (!fatal_.empty()) outcome->complete = false;
    return absl::OkStatus();
  }

  void Fill(ReplayOutcome* outcome) {
    if (outcome->complete) meter_.Settle(options_.settle_ns);
    meter_.Fill(outcome);
    outcome->measured = true;
    outcome->os.page_faults = page_faults_;
    if (recorded_rss_) outcome->recorded_peak_rss = recorded_peak_rss_;
    AddAssumptions(outcome);
  }

 private:
  // A call on its way, and what is known of the step it ends.
  struct Pending {
    uint64_t event;
    uint64_t time;
    uint64_t live;
    bool sample;  // a regular one is due
    bool kept;    // one that stays
  };

  absl::Status AddBlock(const traces::EventBlock& block) {
    NoteMarkers(block);
    uint32_t alloc = 0, free = 0, exception = 0;
    const bool has_time = !block.time_ns.empty() && !options_.time_by_events;
    saw_time_ |= !block.time_ns.empty();
    for (uint32_t i = 0; i < block.count; ++i) {
      const traces::Exception* x = nullptr;
      if (exception < block.exceptions.size() && block.exceptions[exception].position == i) {
        x = &block.exceptions[exception++];
      }
      event_ = block.first_event + i;
      const uint64_t time = has_time ? block.time_ns[i] : (event_ - 1) * kEventNs;
      clamped_ += time < time_;
      time_ = std::max(time_, time);
      const bool nothing = block.IsFree(i) && block.free_object[free] == traces::kNoObject;
      if (!nothing && x != nullptr && x->dropped_object != traces::kNoObject) {
        if (absl::Status s = Free(x->dropped_object); !s.ok()) return s;
        Push({.object = x->dropped_object, .what = Action::kFree});
      }
      Call call;
      absl::Status status;
      if (block.IsFree(i)) {
        status = FreeOrRealloc(block.free_object[free++], x, &call);
      } else {
        call = Allocation(block.alloc_object[alloc], block.alloc_size[alloc], x);
        ++alloc;
      }
      if (!status.ok()) return status;
      EndStep(call);
      for (; next_release_ < releases_.size() && releases_[next_release_] <= event_;
           ++next_release_) {
        if (releases_[next_release_] < event_) continue;
        AskForSample();
        EndStep({.what = Action::kRelease});
        AskForSample();
      }
      if (!fatal_.empty()) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  void NoteMarkers(const traces::EventBlock& block) {
    for (const traces::Marker& marker : block.markers) {
      if (marker.kind == traces::MarkerKind::kGc) ++collections_;
      if (marker.kind != traces::MarkerKind::kRss) continue;
      recorded_rss_ = true;
      recorded_peak_rss_ = std::max(recorded_peak_rss_, marker.value);
    }
  }

  Call Allocation(uint32_t id, uint64_t size, const traces::Exception* x) {
    Call call = {.object = id, .what = zero_all_ ? Action::kCalloc : Action::kMalloc};
    if (x != nullptr) {
      if (size == traces::kWideSize) size = x->size;
      if (x->kind == EventKind::kCalloc) call.what = Action::kCalloc;
      if (x->kind == EventKind::kMemalign) {
        call.what = Action::kMemalign;
        const int log2 = std::bit_width(std::max<uint64_t>(x->alignment, 1) - 1);
        call.alignment_log2 = static_cast<uint8_t>(std::clamp(log2, kLeastAlignmentLog2, 62));
      }
    }
    call.size = size;
    Born(id, size);
    return call;
  }

  absl::Status FreeOrRealloc(uint32_t id, const traces::Exception* x, Call* call) {
    if (id == traces::kNoObject) return absl::OkStatus();
    const uint64_t old = sizes_[id];
    if (absl::Status s = Free(id); !s.ok()) return s;
    *call = {.object = id, .what = Action::kFree};
    if (x == nullptr || x->kind != EventKind::kRealloc) return absl::OkStatus();
    call->what = Action::kRealloc;
    call->size = x->size;
    call->touch_from = old - 1;
    Born(id, x->size);
    return absl::OkStatus();
  }

  void Born(uint32_t id, uint64_t size) {
    sizes_[id] = size + 1;
    live_ += size;
    objects_ = std::max(objects_, id + 1);
    // The kernel would rather end some process than say no.
    if (touch_ == native::TouchModel::kWhole && live_ > available_ && fatal_.empty()) {
      fatal_ = absl::StrCat("this machine has not enough memory: ", live_, " bytes are live where ",
                            available_, " are available");
    }
  }

  absl::Status Free(uint32_t id) {
    if (sizes_[id] == 0) {
      return absl::DataLossError(absl::StrCat("event ", event_, " frees object ", id,
                                              ", which is not alive: the trace is not sound; "
                                              "import it anew"));
    }
    live_ -= sizes_[id] - 1;
    sizes_[id] = 0;
    return absl::OkStatus();
  }

  void Push(const Call& call) {
    if (pending_.size() == kMaxCalls && !Flush()) return;
    Call& to = child_.calls()[pending_.size()];
    to = call;
    to.time_ns = time_;
    pending_.push_back({event_, time_, live_, false, false});
  }

  // The call is the last of its step.
  void EndStep(Call call) {
    call.ends_step = true;
    // The series is thinned the same way wherever its samples come from, so the events that it will
    // ask for are known before the readings are.
    const bool sample = call.what != Action::kRelease && event_ == plan_.next();
    if (sample) {
      Sample planned;
      planned.event = event_;
      plan_.AddRegular(planned);
    }
    call.read = sample || call.what == Action::kRelease;
    Push(call);
    if (!pending_.empty()) pending_.back().sample = sample;
  }

  void AskForSample() {
    if (pending_.empty()) return;
    child_.calls()[pending_.size() - 1].read = true;
    pending_.back().kept = true;
  }

  // Has the calls made, and takes their readings in. False: that was the end.
  bool Flush() {
    if (!fatal_.empty()) return false;
    if (pending_.empty()) return true;
    // What stands at the end is known, too.
    child_.calls()[pending_.size() - 1].read = true;
    const absl::StatusOr<NativeChild::Result> result =
        child_.Run(static_cast<uint32_t>(pending_.size()), touch_, std::max(objects_, 1u));
    if (!result.ok()) {
      fatal_ = std::string(result.status().message());
      pending_.clear();
      return false;
    }
    size_t made = pending_.size();
    if (result->no_memory) {
      made = result->call;
      fatal_ =
          absl::StrCat("the allocator had no memory for ", child_.calls()[made].size, " bytes");
    }
    size_t reading = 0;
    for (size_t i = 0; i < made; ++i) {
      const Pending& step = pending_[i];
      if (!child_.calls()[i].ends_step) continue;
      uint64_t rss = meter_.rss();
      if (reading < result->readings.size() && result->readings[reading].call == i) {
        rss = result->readings[reading].anonymous_bytes;
        page_faults_ = result->readings[reading].page_faults;
        ++reading;
      }
      meter_.Step(step.event, step.time, step.live, rss);
      if (step.sample) meter_.SampleRegular();
      if (step.kept) meter_.SampleKept();
      if (limit_ != 0 && rss > limit_) {
        fatal_ = "the process is over os.limit_bytes";
        break;
      }
    }
    pending_.clear();
    return fatal_.empty();
  }

  void AddAssumptions(ReplayOutcome* outcome) const {
    std::vector<std::string>& all = outcome->assumptions;
    all.push_back(absl::StrCat("native: ", child_.version(),
                               ", measured in a process of its own and not simulated: another run "
                               "gives slightly other numbers"));
    all.push_back(
        "native: the calls are made by one thread in the order recorded, so caches of several "
        "threads and their contention are not in it");
    all.push_back(
        "native: RSS is the process's anonymous memory beyond what it held before the first call");
    if (collections_ != 0) {
      all.push_back(absl::StrCat("native: the recording tells of ", collections_,
                                 " collections; its frees are made when they were recorded"));
    }
    if (event_ != 0) AssumeTime(options_.time_by_events, saw_time_, clamped_, &all);
  }

  NativeChild& child_;
  const ReplayOptions& options_;
  const native::TouchModel touch_;
  const bool zero_all_;
  const uint64_t limit_;                // 0: none
  const uint64_t available_;            // of this machine, before the run
  heap::VirtualArray<uint64_t> sizes_;  // requested bytes + 1 by id, 0: not alive
  Series plan_;
  NativeMeter meter_;
  std::vector<uint64_t> releases_;
  size_t next_release_ = 0;
  std::vector<Pending> pending_;
  std::string fatal_;
  uint64_t event_ = 0, time_ = 0, live_ = 0, clamped_ = 0, collections_ = 0;
  uint32_t objects_ = 0;
  uint64_t page_faults_ = 0;
  uint64_t recorded_peak_rss_ = 0;
  bool recorded_rss_ = false, saw_time_ = false;
};

}  // namespace

absl::StatusOr<ReplayOutcome> RunNativeReplay(BlockSource& source, const proto::Policy& policy,
                                              const ReplayOptions& options) {
  const NativeAllocator* const allocator = NativeAllocatorOf(policy);
  if (allocator == nullptr) return absl::InvalidArgumentError("the policy names no real allocator");
  const bool huge_pages = policy.os().huge_pages() != proto::Os::HUGE_PAGES_NEVER;
  absl::StatusOr<std::unique_ptr<NativeChild>> child = NativeChild::Start(*allocator, huge_pages);
  if (!child.ok()) {
    return absl::Status(child.status().code(),
                        absl::StrCat("policy ", policy.name(), ": ", child.status().message()));
  }
  ReplayOutcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  NativeRun run(**child, policy, options);
  if (absl::Status status = run.Run(source, &outcome); !status.ok()) return status;
  run.Fill(&outcome);
  outcome.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

absl::StatusOr<ReplayOutcome> RunAnyReplay(BlockSource& source, const proto::Policy& policy,
                                           const ReplayOptions& options) {
  return IsNative(policy) ? RunNativeReplay(source, policy, options)
                          : RunReplay(source, policy, options);
}

}  // namespace heapsim::sim
