#include "wrpc/service_call.h"

#include "wrpc/service_session.h"

namespace nimbus::wrpc {

ServiceCall::ServiceCall(ServiceSession& session) : session_(session) {}

ServiceCall::~ServiceCall() = default;

void ServiceCall::begin(const CallContext& context, ByteView params, Encoder& results) {
  context_ = &context;
  results_ = &results;
  in_.emplace(params, this, session_.options().decode);
}

void ServiceCall::begin(const CallContext& context, Values params, Encoder& results) {
  context_ = &context;
  results_ = &results;
  in_.emplace(params_.emplace(std::move(params)), this, session_.options().decode);
}

void ServiceCall::end() {
  in_.reset();
  params_.reset();
  for (const std::uint32_t slot : borrowed_) session_.resources().giveBack(slot);
  borrowed_.clear();
}

void ServiceCall::failToDecode() {
  results_->fail(Error(in_->error()->code(), "the parameters do not decode", *in_->error()));
}

void ServiceCall::writeOwn(Encoder& out, const ResourceType& type,
                           std::unique_ptr<Resource> resource) {
  const auto handle = session_.resources().insert(type, std::move(resource));
  if (!handle) return out.fail(handle.error().code(), handle.error().message());
  out.handle(handle->view());
}

void ServiceCall::writeBorrow(Encoder& out, const ResourceType& /*type*/, Resource& /*resource*/) {
  out.fail(ErrorCode::kInternal, "a result cannot lend a resource");
}

std::unique_ptr<Resource> ServiceCall::readOwn(Decoder& in, const ResourceType& type) {
  const ByteView handle = in.handle();
  if (!in.ok()) return nullptr;
  std::unique_ptr<Resource> resource = session_.resources().take(handle, type);
  if (!resource) in.fail(ErrorCode::kInvalidArgument, "there is no such resource, or it is in use");
  return resource;
}

Resource* ServiceCall::readBorrow(Decoder& in, const ResourceType& type) {
  const ByteView handle = in.handle();
  if (!in.ok()) return nullptr;
  const ResourceTable::Lent lent = session_.resources().lend(handle, type);
  if (lent.resource == nullptr) {
    in.fail(ErrorCode::kInvalidArgument, "there is no such resource");
  } else {
    borrowed_.push_back(lent.slot);
  }
  return lent.resource;
}

ServiceCall::Kept::Kept(ServiceCall& call)
    : call_(&call), session_(call.session_.shared_from_this()) {}

ServiceCall::Kept::Kept(Kept&& other) noexcept
    : call_(std::exchange(other.call_, nullptr)), session_(std::move(other.session_)) {}

ServiceCall::Kept::~Kept() { release(); }

void ServiceCall::Kept::release() {
  if (ServiceCall* const call = std::exchange(call_, nullptr)) session_->recycle(call);
}

}  // namespace nimbus::wrpc
