// What scripts/hide-from-tsan.sh makes the Rust library call in a build with TSan. That library is
// not instrumented, so TSan sees none of the atomics by which its threads agree; were its
// allocations and copies seen, as TSan's interceptors of malloc and memcpy would see them, each
// hand-over between two Rust threads would look like a race. This memory comes from the C library
// itself, behind TSan's back. What C++ reads and writes is watched as ever, also if Rust called it.
#include <cerrno>
#include <cstddef>
#include <cstdlib>

namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

extern "C" {
// glibc's own, below the names that TSan intercepts.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_valloc(std::size_t size);
void __libc_free(void* memory);
// Whether TSan's allocator gave it: realpath(3) and its like allocate for their caller.
int __sanitizer_get_ownership(const volatile void* memory);

void* unseen_malloc(std::size_t size) { return __libc_malloc(size); }

void* unseen_calloc(std::size_t count, std::size_t size) { return __libc_calloc(count, size); }

void* unseen_realloc(void* memory, std::size_t size) {
  if (memory != nullptr && __sanitizer_get_ownership(memory) != 0)
    return std::realloc(memory, size);
  return __libc_realloc(memory, size);
}

void unseen_free(void* memory) {
  if (memory != nullptr && __sanitizer_get_ownership(memory) != 0)
    std::free(memory);
  else
    __libc_free(memory);
}

int unseen_posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  // TSan intercepts the C library's memalign below its name, too, but not what aligns to pages.
  if (alignment > kPageBytes) return EINVAL;
  void* const made = __libc_valloc(size);
  if (made == nullptr) return ENOMEM;
  *memory = made;
  return 0;
}

void* unseen_memcpy(void* to, const void* from, std::size_t size) {
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  while (size-- > 0) *target++ = *source++;
  return to;
}

void* unseen_memmove(void* to, const void* from, std::size_t size) {
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  if (target <= source) return unseen_memcpy(to, from, size);
  while (size-- > 0) target[size] = source[size];
  return to;
}

void* unseen_memset(void* to, int value, std::size_t size) {
  auto* target = static_cast<char*>(to);
  while (size-- > 0) *target++ = static_cast<char>(value);
  return to;
}

int unseen_memcmp(const void* left, const void* right, std::size_t size) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (; size-- > 0; ++a, ++b)
    if (*a != *b) return *a < *b ? -1 : 1;
  return 0;
}

int unseen_bcmp(const void* left, const void* right, std::size_t size) {
  return unseen_memcmp(left, right, size);
}
}
