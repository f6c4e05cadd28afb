#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wrpc/handles.h"

namespace nimbus::wrpc {

// How the handles of a table look.
enum class HandleForm {
  kLocal,  // 4 bytes: for callers that cannot forge any, as those in this process
  kWire,   // 16 bytes that nobody can guess: whoever has them may use the resource
};

// The resources that one session owns, of all types. Belongs to one shard. Handles of dropped
// resources are told from those of later ones. Destroying the table destroys what is in it; nothing
// may be borrowed then.
class ResourceTable {
 public:
  ResourceTable(HandleForm form, std::size_t max_resources)
      : form_(form), max_resources_(max_resources) {}
  ResourceTable(const ResourceTable&) = delete;
  ResourceTable& operator=(const ResourceTable&) = delete;
  ~ResourceTable();

  // The bytes of a handle, inline.
  class Handle {
   public:
    [[nodiscard]] ByteView view() const [[clang::lifetimebound]] { return {bytes_.data(), size_}; }

   private:
    friend ResourceTable;
    std::array<std::uint8_t, 16> bytes_{};
    std::size_t size_ = 0;
  };

  // kResourceExhausted if the table is full.
  [[nodiscard]] Result<Handle> insert(const ResourceType& type, std::unique_ptr<Resource> resource);

  struct Lent {
    std::uint32_t slot = 0;
    Resource* resource = nullptr;
  };
  // Keeps the resource alive until giveBack(); null if there is none of that handle and type.
  [[nodiscard]] Lent lend(ByteView handle, const ResourceType& type);
  // May destroy the resource, if it was dropped meanwhile.
  void giveBack(std::uint32_t slot);

  // Takes the resource out. Null if there is none of that handle and type, or if it is borrowed.
  [[nodiscard]] std::unique_ptr<Resource> take(ByteView handle, const ResourceType& type);

  // Destroys the resource once nobody has it borrowed. Unknown handles are ignored.
  void drop(ByteView handle);
  void dropAll();

  // Whether it is one of this table's that still lives.
  [[nodiscard]] bool has(ByteView handle) const { return find(handle) != kNoSlot; }
  // For handles that expire, called at equal intervals: destroys what was neither made nor lent
  // since `turns` calls, and is not borrowed.
  void sweep(std::uint32_t turns);

  [[nodiscard]] std::size_t size() const { return size_; }
  // How many it has memory for.
  [[nodiscard]] std::size_t capacity() const { return slots_.capacity(); }

 private:
  static constexpr std::uint32_t kIndexBits = 20;
  static constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

  struct Slot {
    std::unique_ptr<Resource> resource;  // null: free
    const ResourceType* type = nullptr;
    std::uint32_t borrows = 0;
    std::uint32_t used = 0;  // the turn in which it was last named
    bool dropped = false;    // only waits for the last borrow
    std::uint32_t next_free = kNoSlot;
    Handle handle;
  };

  void makeHandle(std::uint32_t index, Handle& handle);
  [[nodiscard]] std::uint32_t find(ByteView handle) const;
  [[nodiscard]] std::unique_ptr<Resource> free(std::uint32_t index);
  void dropSlot(std::uint32_t index);

  HandleForm form_;
  std::size_t max_resources_;
  std::size_t size_ = 0;
  std::uint32_t first_free_ = kNoSlot;
  std::uint32_t generation_ = 0;
  std::uint32_t turn_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace nimbus::wrpc
