#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "project/settings.h"
#include "project/toolbox.h"

namespace nimbus::project {

// A Clang that compiles and links for WASI.
struct WasiClang {
  std::string cc;   // absolute
  std::string cxx;  // beside it; empty if there is none
  std::string ar;   // empty if none was found
  std::string ranlib;
  std::string sysroot;  // empty: the compiler's own
  bool has_cxx_library = false;

  static constexpr std::string_view kTarget = "wasm32-wasi";
  // What every call needs: target and sysroot.
  [[nodiscard]] std::vector<std::string> flags() const;
};

// Debian's packages of it.
inline constexpr std::string_view kWasiClangPackages =
    "clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32";
// Those that C++ needs as well, of a Clang of this major version.
[[nodiscard]] std::string wasiCxxPackages(unsigned clang = 22);

// The WASI SDK that WASI_SDK_PATH names, in build.env or the environment; else the newest Clang on
// PATH that finds wasi-libc and its own runtime library for WebAssembly, as Debian packages them.
// kNotFound says what to install.
[[nodiscard]] Result<WasiClang> findWasiClang(const Toolbox& tools, const StringMap& environment);

}  // namespace nimbus::project
