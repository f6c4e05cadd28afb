#include "wrpc/name_table.h"

#include "base/check.h"

namespace nimbus::wrpc {

Result<FunctionId> NameTable::add(const FunctionName& name) {
  if (name.instance.size() > kMaxNameBytes || name.function.size() > kMaxNameBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a function's name is longer than {} bytes", kMaxNameBytes));
  }
  Name key{std::string(name.instance), std::string(name.function)};
  const std::lock_guard lock(mutex_);
  if (const auto found = ids_.find(key); found != ids_.end()) return found->second;
  if (names_.size() >= kMaxNames) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("more than {} different functions called", kMaxNames));
  }
  const FunctionId id{names_.size()};
  names_.push_back(key);
  ids_.emplace(std::move(key), id);
  return id;
}

const NameTable::Name& NameTable::operator[](FunctionId id) const {
  const std::lock_guard lock(mutex_);
  NIMBUS_CHECK_OP(id.value, <, names_.size());
  return names_[id.value];
}

}  // namespace nimbus::wrpc
