#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "wit/document.h"
#include "wit/type_facts.h"
#include "wrpc/decoder.h"
#include "wrpc/dynamic_value.h"
#include "wrpc/encoder.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// A stream or future that is announced among some values.
struct PendingValue {
  IndexPath path;
  bool stream = true;  // else a future
  std::optional<wit::TypeRef> content;
};

// Values of types known at run time. Failures go to the Encoder and Decoder: kUnsupported for types
// that have no encoding. The document outlives it; not for use by two threads at once.
class DynamicCodec {
 public:
  explicit DynamicCodec(const wit::Document& document) : document_(document), facts_(document) {}

  // Checks a value and passes over it, without making anything of it. Appends what is pending in
  // it.
  void skip(Decoder& in, const wit::TypeRef& type, std::vector<PendingValue>& pending);
  // The same for a whole tuple of parameters or results, which must be all there is.
  [[nodiscard]] Result<std::vector<PendingValue>> check(Decoder& in,
                                                        std::span<const wit::TypeRef> types);

  [[nodiscard]] DynamicValue decode(Decoder& in, const wit::TypeRef& type);

  // kInvalidArgument if the value is not of that type. What is pending is only announced: the
  // caller provides the channels.
  void encode(Encoder& out, const wit::TypeRef& type, const DynamicValue& value);

 private:
  struct Reader;
  struct Skipper;
  struct Writer;

  const wit::Document& document_;
  wit::TypeFactBook facts_;
};

}  // namespace nimbus::wrpc
