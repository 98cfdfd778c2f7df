#include "sim/replay/site_pins.h"

#include <algorithm>

namespace heapsim::sim {
namespace {

using Wide = unsigned __int128;

// Shares out a whole number so that the shares sum to it: each is what the rounded running total
// grows by.
class Shares {
 public:
  Shares(uint64_t whole, uint64_t weights) : whole_(whole), weights_(weights) {}
  uint64_t Next(uint64_t weight) {
    seen_ += weight;
    const auto given = static_cast<uint64_t>(Wide{whole_} * seen_ / weights_);
    const uint64_t share = given - given_;
    given_ = given;
    return share;
  }

 private:
  uint64_t whole_, weights_;
  uint64_t seen_ = 0, given_ = 0;
};

}  // namespace

SitePins::Use& SitePins::Of(uint32_t site) {
  if (site >= uses_.size()) uses_.resize(site + size_t{1});
  return uses_[site];
}

void SitePins::EndSpan(uint64_t resident) {
  if (slots_.empty()) return;
  uint64_t in_slots = 0;
  for (const Slot& slot : slots_) in_slots += slot.resident;
  // What is resident besides the slots with live objects: each of these keeps an equal share of it.
  Shares rest(resident - in_slots, slots_.size());
  const bool alone = std::all_of(objects_.begin(), objects_.end(), [&](const Object& object) {
    return object.site == objects_.front().site;
  });
  for (size_t i = 0; i < slots_.size(); ++i) {
    const size_t begin = slots_[i].first_object;
    const size_t end = i + 1 < slots_.size() ? slots_[i + 1].first_object : objects_.size();
    uint64_t requested = 0;
    for (size_t o = begin; o < end; ++o) requested += objects_[o].requested;
    Shares members(slots_[i].resident + rest.Next(1), requested);
    for (size_t o = begin; o < end; ++o) {
      const Object& object = objects_[o];
      Use& use = Of(object.site);
      ++use.objects;
      use.requested += object.requested;
      use.resident += object.resident;
      use.pinned += members.Next(object.requested);
    }
  }
  if (alone) Of(objects_.front().site).alone += resident;
  slots_.clear();
  objects_.clear();
}

void SitePins::Finish(uint32_t limit, proto::HeapSnapshot* snapshot) const {
  std::vector<uint32_t> order;
  for (uint32_t site = 0; site < uses_.size(); ++site) {
    if (uses_[site].objects != 0) order.push_back(site);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return uses_[a].pinned > uses_[b].pinned; });
  for (size_t i = 0; i < order.size(); ++i) {
    const Use& from = uses_[order[i]];
    proto::SiteUse* to = nullptr;
    if (i < limit) {
      to = snapshot->add_sites();
      to->set_site(order[i]);
    } else {
      to = snapshot->mutable_other_sites();
      snapshot->set_other_sites_count(snapshot->other_sites_count() + 1);
    }
    to->set_live_objects(to->live_objects() + from.objects);
    to->set_live_bytes(to->live_bytes() + from.requested);
    to->set_pinned_bytes(to->pinned_bytes() + from.pinned);
    to->set_pinned_alone_bytes(to->pinned_alone_bytes() + from.alone);
    to->set_wasted_bytes(to->wasted_bytes() + from.pinned - from.resident);
  }
}

}  // namespace heapsim::sim
