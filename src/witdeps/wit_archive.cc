// WitTree::unpack(): archives that somebody else made.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "base/escape.h"
#include "witdeps/wit_tree.h"

namespace nimbus::witdeps {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;
constexpr std::size_t kMaxEntries = 100'000;
constexpr std::uint64_t kMaxUnpackedBytes = 512ULL << 20;
constexpr std::size_t kMaxShownBytes = 256;

struct Closer {
  void operator()(::archive* archive) const { ::archive_read_free(archive); }
};
using Handle = std::unique_ptr<::archive, Closer>;

std::unexpected<Error> malformed(std::string_view what) {
  const std::string shown = escaped(what.substr(0, kMaxShownBytes));
  return fail(ErrorCode::kInvalidArgument, "the archive is not usable: " + shown);
}

std::unexpected<Error> libraryError(::archive* handle) {
  const char* text = ::archive_error_string(handle);
  return malformed(text == nullptr ? "it cannot be read" : text);
}

Result<Handle> open(ByteView bytes) {
  Handle handle(::archive_read_new());
  if (!handle || ::archive_read_support_filter_gzip(handle.get()) != ARCHIVE_OK ||
      ::archive_read_support_format_tar(handle.get()) != ARCHIVE_OK)
    return fail(ErrorCode::kInternal, "libarchive cannot read gzip and tar");
  if (::archive_read_open_memory(handle.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return libraryError(handle.get());
  return handle;
}

class Unpacker {
 public:
  explicit Unpacker(::archive* handle) : handle_(handle), block_(kBlockBytes) {}

  Result<WitTree> readAll() {
    for (std::size_t count = 0;; ++count) {
      ::archive_entry* entry = nullptr;
      const int status = ::archive_read_next_header(handle_, &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK) return libraryError(handle_);
      if (count == kMaxEntries)
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("the archive has more than {} entries", kMaxEntries));
      TRY_VOID(read(entry));
    }
    tree_.index();
    return std::move(tree_);
  }

 private:
  Result<void> read(::archive_entry* entry) {
    const char* text = ::archive_entry_pathname(entry);
    std::string_view name = text == nullptr ? "" : text;
    while (name.starts_with("./")) name.remove_prefix(2);
    const auto type = ::archive_entry_filetype(entry);
    if (type == AE_IFDIR) {
      if (name.ends_with('/')) name.remove_suffix(1);
      if (name.empty() || name == ".") return {};
    }
    if (!isSafePath(name)) return malformed(fmt::format("the name \"{}\"", name));
    if (type == AE_IFDIR) return {};
    const bool is_file = type == AE_IFREG && ::archive_entry_hardlink(entry) == nullptr;
    const bool wanted = name.ends_with(".wit");
    if (wanted && !is_file) return malformed(fmt::format("\"{}\" is a link or a device", name));
    TRY(std::string content, contentOf(wanted));
    if (!wanted) return {};
    return tree_.add(std::string(name), std::move(content));
  }

  // What is not wanted is read too, and counts.
  Result<std::string> contentOf(bool wanted) {
    std::string content;
    for (;;) {
      const auto count = ::archive_read_data(handle_, block_.data(), block_.size());
      if (count < 0) return libraryError(handle_);
      if (count == 0) return content;
      bytes_ += static_cast<std::uint64_t>(count);
      if (bytes_ > kMaxUnpackedBytes)
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("the archive has more than {} bytes", kMaxUnpackedBytes));
      if (!wanted) continue;
      if (content.size() + static_cast<std::size_t>(count) > WitTree::kMaxBytes)
        return fail(ErrorCode::kResourceExhausted, "the archive has too much WIT");
      content.append(block_.data(), static_cast<std::size_t>(count));
    }
  }

  ::archive* handle_;
  std::vector<char> block_;
  std::uint64_t bytes_ = 0;
  WitTree tree_;
};

}  // namespace

Result<WitTree> WitTree::unpack(ByteView archive) {
  TRY(const Handle handle, open(archive));
  return Unpacker(handle.get()).readAll();
}

}  // namespace nimbus::witdeps
