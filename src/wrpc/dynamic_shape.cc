#include "wrpc/dynamic_shape.h"

#include <utility>

#include "wit/type_facts.h"
#include "wrpc/decoder.h"
#include "wrpc/dynamic_codec.h"
#include "wrpc/tuple_shape.h"

namespace nimbus::wrpc {

std::shared_ptr<const DynamicShape> DynamicShape::make(
    std::shared_ptr<const wit::Document> document, std::vector<wit::TypeRef> types) {
  wit::TypeFactBook facts(*document);
  std::shared_ptr<DynamicShape> shape(new DynamicShape());
  for (const wit::TypeRef& type : types) {
    const wit::TypeFacts& known = facts.of(type);
    if (!known.unsupported.empty()) return nullptr;
    shape->pending_ |= known.pending;
  }
  shape->document_ = std::move(document);
  shape->types_ = std::move(types);
  return shape;
}

// A codec of its own each time: a codec remembers what it has worked out, and shapes are shared by
// all threads.
Result<std::optional<std::size_t>> DynamicShape::measure(const ByteChain& bytes) const {
  Decoder in(bytes);
  in.measureOnly();
  DynamicCodec codec(*document_);
  std::vector<PendingValue> pending;
  for (const wit::TypeRef& type : types_) codec.skip(in, type, pending);
  return measured(in, bytes.size());
}

}  // namespace nimbus::wrpc
