#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/import_calls.h"

namespace nimbus::engine {

// What instances of one component on one shard leave to the next ones: an instance that serves one
// request only would else make, open and close all of it anew. On the shard, where its context ends
// it. Internal to src/engine.
class SpareImportCalls : public std::enable_shared_from_this<SpareImportCalls> {
 public:
  SpareImportCalls(net::Shard& shard, std::shared_ptr<const ImportSet> imports)
      : shard_(shard), imports_(std::move(imports)) {}

  // As good as new.
  [[nodiscard]] std::unique_ptr<ImportCalls> take();
  // The instance has gone, and perhaps where its calls were taken from.
  static void giveBack(std::unique_ptr<ImportCalls> calls);

 private:
  net::Shard& shard_;
  std::shared_ptr<const ImportSet> imports_;
  std::vector<std::unique_ptr<ImportCalls>> kept_;
};

}  // namespace nimbus::engine
