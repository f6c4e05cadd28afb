#include "wrpc/resource_table.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace nimbus::wrpc {

ResourceTable::~ResourceTable() { dropAll(); }

Result<ResourceTable::Handle> ResourceTable::insert(const ResourceType& type,
                                                    std::unique_ptr<Resource> resource) {
  if (size_ >= max_resources_ || size_ >= (std::size_t{1} << kIndexBits))
    return fail(ErrorCode::kResourceExhausted, "the caller has too many resources open");
  std::uint32_t index = first_free_;
  if (index == kNoSlot) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    first_free_ = slots_[index].next_free;
  }
  Slot& slot = slots_[index];
  slot.resource = std::move(resource);
  slot.type = &type;
  slot.used = turn_;
  makeHandle(index, slot.handle);
  ++size_;
  return slot.handle;
}

// Local handles: 20 bits of index and 12 of a running number. Wire handles: that, and 12 bytes of
// chance.
void ResourceTable::makeHandle(std::uint32_t index, Handle& handle) {
  const std::uint32_t name = index | (++generation_ << kIndexBits);
  std::memcpy(handle.bytes_.data(), &name, sizeof name);
  handle.size_ = sizeof name;
  if (form_ == HandleForm::kLocal) return;
  handle.size_ = handle.bytes_.size();
  const std::size_t chance = handle.size_ - sizeof name;
  NIMBUS_CHECK(getrandom(handle.bytes_.data() + sizeof name, chance, 0) ==
               static_cast<ssize_t>(chance));
}

std::uint32_t ResourceTable::find(ByteView handle) const {
  std::uint32_t name = 0;
  if (handle.size() < sizeof name) return kNoSlot;
  std::memcpy(&name, handle.data(), sizeof name);
  const std::uint32_t index = name & ((1U << kIndexBits) - 1);
  if (index >= slots_.size()) return kNoSlot;
  const Slot& slot = slots_[index];
  if (!slot.resource || slot.dropped || handle.size() != slot.handle.size_) return kNoSlot;
  // In constant time, so that nobody guesses byte by byte.
  unsigned difference = 0;
  for (std::size_t i = 0; i < handle.size(); ++i) difference |= handle[i] ^ slot.handle.bytes_[i];
  return difference == 0 ? index : kNoSlot;
}

ResourceTable::Lent ResourceTable::lend(ByteView handle, const ResourceType& type) {
  const std::uint32_t index = find(handle);
  if (index == kNoSlot || slots_[index].type != &type) return {};
  ++slots_[index].borrows;
  slots_[index].used = turn_;
  return {index, slots_[index].resource.get()};
}

void ResourceTable::giveBack(std::uint32_t index) {
  Slot& slot = slots_[index];
  NIMBUS_CHECK(slot.borrows > 0);
  slot.used = turn_;
  if (--slot.borrows == 0 && slot.dropped) static_cast<void>(free(index));
}

std::unique_ptr<Resource> ResourceTable::take(ByteView handle, const ResourceType& type) {
  const std::uint32_t index = find(handle);
  if (index == kNoSlot || slots_[index].type != &type || slots_[index].borrows > 0) return nullptr;
  return free(index);
}

void ResourceTable::drop(ByteView handle) {
  if (const std::uint32_t index = find(handle); index != kNoSlot) dropSlot(index);
}

void ResourceTable::dropAll() {
  // A destructor may make or drop others.
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].resource && !slots_[index].dropped) dropSlot(index);
  }
}

void ResourceTable::sweep(std::uint32_t turns) {
  ++turn_;
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_[index];
    if (slot.resource && slot.borrows == 0 && turn_ - slot.used > turns) dropSlot(index);
  }
}

void ResourceTable::dropSlot(std::uint32_t index) {
  if (slots_[index].borrows > 0) {
    slots_[index].dropped = true;
  } else {
    static_cast<void>(free(index));
  }
}

std::unique_ptr<Resource> ResourceTable::free(std::uint32_t index) {
  Slot& slot = slots_[index];
  std::unique_ptr<Resource> resource = std::move(slot.resource);
  slot.resource = nullptr;
  slot.dropped = false;
  slot.next_free = std::exchange(first_free_, index);
  --size_;
  return resource;
}

}  // namespace nimbus::wrpc
