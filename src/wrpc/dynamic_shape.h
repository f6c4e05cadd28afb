#pragma once

#include <memory>
#include <vector>

#include "wit/document.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// Where a tuple of types ends that are known at run time. Null from make() if one of them has no
// encoding. Shares the document.
class DynamicShape final : public TupleShape {
 public:
  [[nodiscard]] static std::shared_ptr<const DynamicShape> make(
      std::shared_ptr<const wit::Document> document, std::vector<wit::TypeRef> types);

  [[nodiscard]] Result<std::optional<std::size_t>> measure(const ByteChain& bytes) const override;
  [[nodiscard]] bool mayHaveChannels() const override { return pending_; }

 private:
  DynamicShape() = default;

  std::shared_ptr<const wit::Document> document_;
  std::vector<wit::TypeRef> types_;
  bool pending_ = false;
};

}  // namespace nimbus::wrpc
