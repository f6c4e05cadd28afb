#include "release/archive.h"

#include <algorithm>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::release {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;
constexpr std::size_t kMaxNameBytes = 256;
constexpr std::string_view kProgram = "bin/wash";

struct Closer {
  void operator()(::archive* archive) const { ::archive_read_free(archive); }
};
using Handle = std::unique_ptr<::archive, Closer>;

std::string shown(std::string_view name) { return escaped(name.substr(0, kMaxNameBytes)); }

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kProtocol,
              fmt::format("the archive of the release is not valid: {}", what));
}

std::unexpected<Error> libraryError(::archive* handle) {
  const char* text = ::archive_error_string(handle);
  return malformed(text == nullptr ? "it cannot be read" : text);
}

Result<Handle> open() {
  Handle handle(::archive_read_new());
  if (!handle || ::archive_read_support_filter_gzip(handle.get()) != ARCHIVE_OK ||
      ::archive_read_support_format_tar(handle.get()) != ARCHIVE_OK)
    return fail(ErrorCode::kInternal, "libarchive cannot read gzip and tar");
  return handle;
}

bool isSafe(std::string_view name) {
  if (name.size() > kMaxNameBytes) return false;
  return std::ranges::all_of(split(name, '/'), [](std::string_view part) {
    return !part.empty() && part.front() != '.' &&
           std::ranges::all_of(part, [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
  });
}

class Reader {
 public:
  Reader(::archive* handle, const Version& version, std::string_view platform, ArchiveSink& sink)
      : handle_(handle),
        root_(fmt::format("wash-{}-{}", version.text(), platform)),
        libraries_(fmt::format("lib/wash-{}/", version.text())),
        sink_(sink) {}

  Result<void> readAll() {
    for (std::size_t count = 0;; ++count) {
      ::archive_entry* entry = nullptr;
      const int status = ::archive_read_next_header(handle_, &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK) return libraryError(handle_);
      if (count == kMaxArchiveEntries) {
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("the archive has more than {} entries", kMaxArchiveEntries));
      }
      TRY_VOID(read(entry));
    }
    if (!has_program_) return malformed(fmt::format("it has no {}/{}", root_, kProgram));
    return {};
  }

 private:
  Result<void> read(::archive_entry* entry) {
    const char* text = ::archive_entry_pathname(entry);
    std::string_view name = text == nullptr ? "" : text;
    const auto type = ::archive_entry_filetype(entry);
    if (type == AE_IFDIR && name.ends_with('/')) name.remove_suffix(1);
    if (!isSafe(name)) return malformed(fmt::format("the name \"{}\"", shown(name)));
    if (::archive_entry_hardlink(entry) != nullptr || (type != AE_IFREG && type != AE_IFDIR))
      return malformed(fmt::format("\"{}\" is neither a file nor a folder", shown(name)));
    if (name != root_ && !name.starts_with(root_ + "/"))
      return malformed(fmt::format("\"{}\" is not in {}", shown(name), root_));
    if (type == AE_IFDIR) return {};
    const std::string file(name.substr(root_.size() + 1));
    const bool wanted = file == kProgram || file.starts_with(libraries_);
    if (file == kProgram) {
      if (has_program_) return malformed("it has two programs");
      has_program_ = true;
    }
    if (!wanted) return copy(nullptr);
    const bool executable = (::archive_entry_perm(entry) & 0100) != 0;
    TRY_VOID(
        sink_.begin(file, executable ? ArchiveSink::Mode::kExecutable : ArchiveSink::Mode::kPlain));
    TRY_VOID(copy(&sink_));
    return sink_.end();
  }

  // What is not wanted is read too, and counts.
  Result<void> copy(ArchiveSink* into) {
    for (;;) {
      const auto count = ::archive_read_data(handle_, block_.data(), block_.size());
      if (count < 0) return libraryError(handle_);
      if (count == 0) return {};
      bytes_ += static_cast<std::uint64_t>(count);
      if (bytes_ > kMaxUnpackedBytes) {
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("the archive has more than {} bytes", kMaxUnpackedBytes));
      }
      if (into) TRY_VOID(into->append(ByteView(block_).first(static_cast<std::size_t>(count))));
    }
  }

  ::archive* handle_;
  const std::string root_;
  const std::string libraries_;
  ArchiveSink& sink_;
  std::vector<std::uint8_t> block_ = std::vector<std::uint8_t>(kBlockBytes);
  std::uint64_t bytes_ = 0;
  bool has_program_ = false;
};

}  // namespace

Result<void> readArchive(int descriptor, const Version& version, std::string_view platform,
                         ArchiveSink& sink) {
  TRY(const Handle handle, open());
  if (::archive_read_open_fd(handle.get(), descriptor, kBlockBytes) != ARCHIVE_OK)
    return libraryError(handle.get());
  return Reader(handle.get(), version, platform, sink).readAll();
}

Result<void> readArchive(ByteView bytes, const Version& version, std::string_view platform,
                         ArchiveSink& sink) {
  TRY(const Handle handle, open());
  if (::archive_read_open_memory(handle.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return libraryError(handle.get());
  return Reader(handle.get(), version, platform, sink).readAll();
}

}  // namespace nimbus::release
