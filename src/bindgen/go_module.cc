#include "bindgen/go_module.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"

namespace nimbus::bindgen {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxGoModBytes = std::size_t{1} << 20;
constexpr std::string_view kBlank = " \t\r";

std::string readSome(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxGoModBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

// https://go.dev/ref/mod#go-mod-file-module: the directive stands on a line of its own.
std::string moduleOf(std::string_view go_mod) {
  while (!go_mod.empty()) {
    const std::size_t end = std::min(go_mod.find('\n'), go_mod.size());
    std::string_view line = go_mod.substr(0, end);
    go_mod.remove_prefix(std::min(end + 1, go_mod.size()));
    line = trim(line.substr(0, line.find("//")));
    if (!line.starts_with("module")) continue;
    line.remove_prefix(std::string_view("module").size());
    if (line.empty() || kBlank.find(line.front()) == std::string_view::npos) continue;
    line = trim(line);
    const bool quoted = line.size() >= 2 && (line.front() == '"' || line.front() == '`') &&
                        line.front() == line.back();
    return std::string(quoted ? line.substr(1, line.size() - 2) : line);
  }
  return {};
}

Result<GoPackages> findGoPackages(const fs::path& folder) {
  std::error_code error;
  TRY(const std::string absolute, absolutePath(folder.string()));
  const fs::path target = fs::weakly_canonical(absolute, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  for (fs::path at = target;; at = at.parent_path()) {
    const fs::path go_mod = at / "go.mod";
    if (fs::is_regular_file(go_mod, error)) {
      std::string module = moduleOf(readSome(go_mod));
      if (module.empty())
        return fail(ErrorCode::kInvalidArgument, go_mod.string() + " names no module");
      const std::string below = target.lexically_relative(at).generic_string();
      std::string package = below == "." ? module : module + "/" + below;
      return GoPackages{std::move(module), std::move(package)};
    }
    if (at == at.parent_path()) break;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no go.mod in or above {}: make one with `go mod init`",
                          target.string()));
}

}  // namespace nimbus::bindgen
