#include "engine/spare_import_calls.h"

namespace nimbus::engine {
namespace {

// Most instances are alone on their shard from their first call to their end.
constexpr std::size_t kMaxKept = 4;

}  // namespace

std::unique_ptr<ImportCalls> SpareImportCalls::take() {
  if (kept_.empty()) return std::make_unique<ImportCalls>(shard_, imports_, weak_from_this());
  std::unique_ptr<ImportCalls> calls = std::move(kept_.back());
  kept_.pop_back();
  return calls;
}

void SpareImportCalls::giveBack(std::unique_ptr<ImportCalls> calls) {
  const auto home = calls->home().lock();
  if (home && home->kept_.size() < kMaxKept && calls->renew())
    home->kept_.push_back(std::move(calls));
}

}  // namespace nimbus::engine
