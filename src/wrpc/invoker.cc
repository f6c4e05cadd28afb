#include "wrpc/invoker.h"

#include "wrpc/encoder.h"

namespace nimbus::wrpc {

std::unique_ptr<ByteSource> Values::take(const IndexPath& path) {
  for (Channel& channel : channels) {
    if (channel.path == path && channel.source) return std::move(channel.source);
  }
  return arriving ? arriving->take(path) : nullptr;
}

std::optional<Task<Result<Values>>> Session::invokeInto(const CallContext& context,
                                                        FunctionId function, ByteView params,
                                                        Encoder& results) {
  Values values;
  values.bytes.append(params);
  Eventual<Result<Values>> returned = invoke(context, function, std::move(values));
  if (!returned.ready()) return std::move(returned).intoTask();
  results.become(returned.take());
  return std::nullopt;
}

}  // namespace nimbus::wrpc
