// Whatever an archive says, names that reach the sink stay below its folder, and files do not mix.
#include <cstdint>
#include <cstdlib>

#include "release/archive.h"

namespace {

class CheckingSink final : public nimbus::release::ArchiveSink {
 public:
  nimbus::Result<void> begin(const std::string& name, Mode) override {
    if (open_ || name.starts_with('/') || name.contains("..") || name.contains("//")) std::abort();
    if (name != "bin/wash" && !name.starts_with("lib/wash-1.0.0/")) std::abort();
    open_ = true;
    return {};
  }
  nimbus::Result<void> append(nimbus::ByteView) override {
    if (!open_) std::abort();
    return {};
  }
  nimbus::Result<void> end() override {
    open_ = false;
    return {};
  }

 private:
  bool open_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus::release;
  CheckingSink sink;
  const Version version{1, 0, 0, {}};
  (void)readArchive(nimbus::ByteView(data, size), version, "x86_64-linux", sink);
  return 0;
}
