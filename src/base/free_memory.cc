#include "base/free_memory.h"

#include <malloc.h>
#include <sys/types.h>

#include <cstddef>
#include <string>

#include <fmt/format.h>

// jemalloc's, where the program is linked with it.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size,
                                     void* new_value, std::size_t new_size);

namespace nimbus {
namespace {

// What is as large as that is in an arena of its own, which is made with the first and keeps
// nothing by default (jemalloc's "oversize_threshold").
constexpr std::size_t kLargeBlock = 8 << 20;

}  // namespace

void releaseFreeMemory() {
  if (&mallctl != nullptr) {
    (void)mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
  } else {
    (void)::malloc_trim(0);
  }
}

void keepLargeBlocks() {
  if (&mallctl == nullptr) return;
  unsigned others = 0;  // it is behind those that threads have
  std::size_t size = sizeof others;
  if (mallctl("opt.narenas", &others, &size, nullptr, 0) != 0) return;
  ::operator delete(::operator new(kLargeBlock));
  ssize_t forever = -1;
  const std::string decay = fmt::format("arena.{}.dirty_decay_ms", others);
  (void)mallctl(decay.c_str(), nullptr, nullptr, &forever, sizeof forever);
}

}  // namespace nimbus
