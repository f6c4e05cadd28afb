#include "wrpc/client.h"

namespace nimbus::wrpc {

Result<std::span<const FunctionId>> ClientSpace::resolve(const ClientInterface& interface) {
  if (const auto found = resolved_.find(&interface); found != resolved_.end()) return found->second;
  std::vector<FunctionId> ids;
  ids.reserve(interface.functions.size());
  for (const std::string_view function : interface.functions) {
    TRY(const FunctionId id, invoker_.resolve({interface.instance, function}));
    ids.push_back(id);
  }
  return resolved_.emplace(&interface, std::move(ids)).first->second;
}

Result<void> ClientSpace::checked(Decoder& in) {
  Result<void> done = in.finish();
  if (done) return {};
  return fail(done.error().code(), "the results do not decode", done.error());
}

void ClientSpace::writeOwn(Encoder& out, const ResourceType& type,
                           std::unique_ptr<Resource> resource) {
  writeBorrow(out, type, *resource);
  if (!out.ok()) return;
  resource->remoteHandle()->session = nullptr;  // it is the other side's now
}

void ClientSpace::writeBorrow(Encoder& out, const ResourceType& /*type*/, Resource& resource) {
  const RemoteHandle* const handle = resource.remoteHandle();
  if (handle == nullptr || handle->session != &session_)
    return out.fail(ErrorCode::kUnsupported, "only resources of this session can be passed to it");
  out.handle(asBytes(handle->bytes));
}

std::unique_ptr<Resource> ClientSpace::readOwn(Decoder& in, const ResourceType& type) {
  const ByteView handle = in.handle();
  if (!in.ok()) return nullptr;
  auto resource = type.proxy(*this, {&session_, std::string(asText(handle))});
  if (resource) return std::move(*resource);
  session_.drop(handle);
  in.fail(resource.error().code(), resource.error().message());
  return nullptr;
}

Resource* ClientSpace::readBorrow(Decoder& in, const ResourceType& /*type*/) {
  in.fail(ErrorCode::kProtocol, "a result cannot lend a resource");
  return nullptr;
}

}  // namespace nimbus::wrpc
