#include "engine/import_types.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "wit/input_streams.h"
#include "wit/tools.h"
#include "wrpc/dynamic_shape.h"

namespace nimbus::engine {
namespace {

// See src/rust/src/engine/rpc_errors.rs: its `result` is not on the wire.
constexpr std::string_view kErrorInterface = "wrpc:rpc/error@0.1.0";
constexpr std::string_view kErrorResource = "error";

bool isRpcError(const wit::Document& document, const wit::TypeRef& type) {
  const wit::TypeRef behind = document.resolve(type);
  const auto* index = std::get_if<wit::TypeIndex>(&behind);
  if (index == nullptr) return false;
  const auto* handle = std::get_if<wit::Handle>(&document.at(*index).kind);
  if (handle == nullptr || handle->borrowed) return false;
  const wit::TypeRef named = document.resolve(handle->resource);
  const wit::Type& resource = document.at(std::get<wit::TypeIndex>(named));
  const auto* owner = std::get_if<wit::InterfaceIndex>(&resource.owner);
  return owner != nullptr && resource.name == kErrorResource &&
         document.fullName(*owner) == kErrorInterface;
}

// What of a result is on the wire.
std::vector<wit::TypeRef> onWire(const wit::Document& document,
                                 const std::optional<wit::TypeRef>& result) {
  if (!result) return {};
  const wit::TypeRef behind = document.resolve(*result);
  const auto* index = std::get_if<wit::TypeIndex>(&behind);
  const auto* either =
      index == nullptr ? nullptr : std::get_if<wit::ResultType>(&document.at(*index).kind);
  if (either == nullptr || !either->err || !isRpcError(document, *either->err)) return {*result};
  if (!either->ok) return {};
  return {*either->ok};
}

}  // namespace

Result<ImportTypes> ImportTypes::read(ByteView component) {
  TRY(const std::string json, wit::worldJson(component));
  TRY(wit::Document document, wit::readDocument(json));
  wit::mapInputStreams(document);
  ImportTypes types;
  types.document_ = std::make_shared<const wit::Document>(std::move(document));
  return types;
}

const wit::Function* ImportTypes::find(std::string_view import, std::string_view wire_name) const {
  const auto named = [&](const wit::Function& function) {
    return wit::wireName(function) == wire_name;
  };
  for (const wit::WorldItem& item : document_->at(*document_->main_world).imports) {
    if (const auto* function = std::get_if<wit::Function>(&item.item)) {
      if (import.empty() && named(*function)) return function;
    } else if (const auto* index = std::get_if<wit::InterfaceIndex>(&item.item)) {
      if (item.key != import && document_->fullName(*index) != import) continue;
      const wit::Interface& interface = document_->at(*index);
      const auto found = std::ranges::find_if(interface.functions, named);
      if (found != interface.functions.end()) return &*found;
    }
  }
  return nullptr;
}

std::shared_ptr<const wrpc::TupleShape> ImportTypes::results(std::string_view import,
                                                             std::string_view wire_name) const {
  if (!document_ || !document_->main_world) return nullptr;
  const wit::Function* const function = find(import, wire_name);
  if (function == nullptr) return nullptr;
  return wrpc::DynamicShape::make(document_, onWire(*document_, function->result));
}

}  // namespace nimbus::engine
