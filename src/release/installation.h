#pragma once

#include <string>

#include "base/process.h"
#include "base/result.h"
#include "release/version.h"

namespace nimbus::release {

// A program that was installed from a release: PREFIX/bin/wash and PREFIX/lib/wash-VERSION. The
// last folder's name does not matter, only that the libraries' folder is beside it.
struct Installation {
  std::string program;  // absolute, no link
  std::string prefix;
  Version version;

  [[nodiscard]] std::string libraries(const Version& version) const;
};

// kUnsupported: the program was built or packaged in another way, and is not ours to replace;
// kPermissionDenied: this user may not.
[[nodiscard]] Result<Installation> findInstallation(const std::string& program,
                                                    const Version& version);

// A folder within the prefix, where a release becomes whole before it is put in place. It goes
// with the object.
class Staging {
 public:
  [[nodiscard]] static Result<Staging> create(const Installation& installation);
  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;
  ~Staging();
  [[nodiscard]] const std::string& folder() const [[clang::lifetimebound]] { return folder_; }

 private:
  explicit Staging(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

// Reads the verified archive behind `descriptor` into the staging folder.
[[nodiscard]] Result<void> unpack(int descriptor, const Version& version, std::string_view platform,
                                  const Staging& staging);

// Runs the staged program: kProtocol unless it says that it is this version.
[[nodiscard]] Result<void> tryOut(const Staging& staging, const Version& version,
                                  ProcessRunner& runner);

// Copies the program to `backup`.
[[nodiscard]] Result<void> backUp(const Installation& installation, const std::string& backup);

// Puts what is staged in place: the libraries first, then, by one rename, the program. If that
// fails, everything is as it was.
[[nodiscard]] Result<void> replace(const Installation& installation, const Staging& staging,
                                   const Version& version);

}  // namespace nimbus::release
