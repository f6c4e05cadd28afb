#include "base/free_memory.h"

#include <malloc.h>

#include <cstddef>

// jemalloc's, where the program is linked with it.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size,
                                     void* new_value, std::size_t new_size);

namespace nimbus {

void releaseFreeMemory() {
  if (&mallctl != nullptr) {
    (void)mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
  } else {
    (void)::malloc_trim(0);
  }
}

}  // namespace nimbus
