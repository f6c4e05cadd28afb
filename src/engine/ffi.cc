#include "engine/ffi.h"

#include <memory>

namespace nimbus::engine {
namespace {

// Sharing costs two allocations and two atomic counts; below this a copy is cheaper.
constexpr std::size_t kShareFromBytes = 2048;

}  // namespace

std::vector<NimbusField> toFields(const http::Headers& headers) {
  std::vector<NimbusField> fields;
  fields.reserve(headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const http::HeaderField field = headers[i];
    fields.push_back({toStr(field.name), toStr(field.value)});
  }
  return fields;
}

void appendFields(http::Headers& headers, const NimbusField* fields, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    headers.add(toView(fields[i].name), toView(fields[i].value));
  }
}

NimbusOwnedBytes toOwned(Bytes bytes) {
  const ByteView view = bytes.view();
  if (view.size() < kShareFromBytes) return {view.data(), view.size(), nullptr, nullptr};
  return {view.data(), view.size(), new Bytes(std::move(bytes)),
          [](void* owner) { delete static_cast<Bytes*>(owner); }};
}

Bytes fromOwned(const NimbusOwnedBytes& owned) {
  const ByteView view(owned.data, owned.size);
  if (owned.release == nullptr) return Bytes::copyOf(view);
  std::shared_ptr<const void> owner(owned.owner, owned.release);
  return {view, std::move(owner)};
}

void appendOwned(ByteChain& to, const NimbusOwnedBytes& owned) {
  if (owned.release == nullptr) {
    to.append(ByteView(owned.data, owned.size));
  } else {
    to.append(fromOwned(owned));
  }
}

std::unexpected<Error> failLast(ErrorCode code, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += nimbus_last_error();
  return fail(code, std::move(message));
}

}  // namespace nimbus::engine
