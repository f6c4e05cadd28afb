#include "wit/sized_list.h"

#include <string>

#include "base/bytes.h"

namespace nimbus::wit {
namespace {

// The next entry: 8 bytes of size, least significant first, then the bytes.
Result<std::string_view> takeSized(std::string_view& rest) {
  std::uint64_t size = 0;
  const auto broken = [] { return fail(ErrorCode::kInternal, "internal: a broken list of files"); };
  if (rest.size() < sizeof size) return broken();
  for (std::size_t i = 0; i < sizeof size; ++i) {
    size |= std::uint64_t{static_cast<unsigned char>(rest[i])} << (8 * i);
  }
  rest.remove_prefix(sizeof size);
  if (rest.size() < size) return broken();
  const std::string_view entry = rest.substr(0, size);
  rest.remove_prefix(size);
  return entry;
}

}  // namespace

std::vector<NimbusWitFile> rawFiles(std::span<const WitFile> files) {
  std::vector<NimbusWitFile> raw;
  raw.reserve(files.size());
  for (const WitFile& file : files) {
    const ByteView path = asBytes(file.path);
    const ByteView text = asBytes(file.text);
    raw.push_back({path.data(), path.size(), text.data(), text.size()});
  }
  return raw;
}

Result<std::vector<GuestFile>> readSizedList(std::string_view list) {
  std::vector<GuestFile> files;
  while (!list.empty()) {
    TRY(const std::string_view path, takeSized(list));
    TRY(const std::string_view contents, takeSized(list));
    files.push_back({std::string(path), std::string(contents)});
  }
  return files;
}

}  // namespace nimbus::wit
