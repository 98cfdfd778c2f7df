#include "sim/replay/policy_parts.h"

#include "heap/front/direct.h"
#include "heap/front/tcmalloc.h"
#include "heap/release/at_once.h"
#include "heap/release/decay.h"
#include "heap/release/idle_limit.h"
#include "heap/release/memory_limit.h"
#include "heap/release/paced.h"

namespace heapsim::sim {

using proto::Release;

std::unique_ptr<heap::ReleaseRule> ReleaseRuleOf(const proto::Policy& policy) {
  const Release& release = policy.release();
  switch (release.rule()) {
    case Release::RULE_NONE:
      break;
    case Release::RULE_IDLE_LIMIT:
      return std::make_unique<heap::IdleLimit>(release.idle_limit_ns());
    case Release::RULE_AT_ONCE:
      return std::make_unique<heap::AtOnce>();
    case Release::RULE_DECAY:
      return std::make_unique<heap::Decay>(release.decay_ns());
    case Release::RULE_PACED: {
      const CostModel cost = CostModelOf(policy.cost());
      const bool lazily = release.advice() == Release::ADVICE_FREE;
      heap::Paced::Options o;
      o.retain_percent = static_cast<uint64_t>(release.retain_percent());
      o.background_percent = static_cast<uint64_t>(release.background_percent());
      o.call_ns = lazily ? cost.free_ns : cost.dont_need_ns;
      o.page_ns = lazily ? cost.free_page_ns : cost.dont_need_page_ns;
      return std::make_unique<heap::Paced>(o);
    }
    case Release::RULE_MEMORY_LIMIT:
      return std::make_unique<heap::MemoryLimit>(
          heap::Bytes(static_cast<uint64_t>(release.limit_bytes())));
  }
  return nullptr;
}

std::unique_ptr<heap::FrontEnd> FrontEndOf(const proto::Policy& policy) {
  switch (policy.front_end()) {
    case proto::FRONT_END_GO:
      break;
    case proto::FRONT_END_NONE:
      return std::make_unique<heap::DirectFrontEnd>();
    case proto::FRONT_END_TCMALLOC: {
      heap::TcmallocFrontEnd::Options o;
      o.max_bytes = static_cast<uint64_t>(policy.caches().max_bytes());
      o.batch_slots = static_cast<uint32_t>(policy.caches().batch_slots());
      o.transfer_batches = static_cast<uint32_t>(policy.caches().transfer_batches());
      return std::make_unique<heap::TcmallocFrontEnd>(o);
    }
  }
  return nullptr;
}

CostModel CostModelOf(const proto::Cost& cost) {
  const auto ns = [](int64_t n) { return static_cast<uint64_t>(n); };
  CostModel m;
  m.mmap_ns = ns(cost.mmap_ns());
  m.munmap_ns = ns(cost.munmap_ns());
  m.munmap_page_ns = ns(cost.munmap_page_ns());
  m.mprotect_ns = ns(cost.mprotect_ns());
  m.mprotect_page_ns = ns(cost.mprotect_page_ns());
  m.dont_need_ns = ns(cost.dont_need_ns());
  m.dont_need_page_ns = ns(cost.dont_need_page_ns());
  m.free_ns = ns(cost.free_ns());
  m.free_page_ns = ns(cost.free_page_ns());
  m.advise_huge_ns = ns(cost.advise_huge_ns());
  m.fault_ns = ns(cost.fault_ns());
  m.huge_fault_ns = ns(cost.huge_fault_ns());
  m.refault_page_ns = ns(cost.refault_page_ns());
  m.reclaim_page_ns = ns(cost.reclaim_page_ns());
  m.clear_ns_per_kib = ns(cost.clear_kib_ns());
  return m;
}

}  // namespace heapsim::sim
