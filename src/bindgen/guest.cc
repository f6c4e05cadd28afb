#include "bindgen/guest.h"

#include <utility>

#include <fmt/format.h>

#include "bindgen/go_module.h"
#include "bindgen/wit_files.h"
#include "wit/tools.h"

namespace nimbus::bindgen {

namespace {

constexpr std::string_view kC = "c";
constexpr std::string_view kGo = "go";

Result<void> check(const GenerateRequest& request) {
  if (!request.selection.interfaces.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bindings for {} are those of a whole world: name it with --world",
                            request.language));
  if (!request.backend.name_space.empty())
    return fail(ErrorCode::kInvalidArgument, "a namespace is for bindings in C++");
  if (request.language != kGo && !request.package.empty())
    return fail(ErrorCode::kInvalidArgument, "a package is for bindings in Go");
  return {};
}

}  // namespace

bool isGuestLanguage(std::string_view language) { return language == kC || language == kGo; }

Result<std::vector<GeneratedFile>> generateGuestBindings(const GenerateRequest& request) {
  TRY_VOID(check(request));
  TRY(const std::vector<wit::WitFile> files, readWitFiles(request.wit));
  GoPackages packages;
  if (request.language == kGo) {
    TRY(packages, findGoPackages(request.out));
    if (!request.package.empty()) packages.package = request.package;
  }
  TRY(std::vector<wit::GuestFile> generated,
      wit::guestBindings({
          .language = request.language == kGo ? wit::GuestLanguage::kGo : wit::GuestLanguage::kC,
          .files = files,
          .world = request.selection.world,
          .package = packages.package,
          .exports_package = packages.module,
      }));
  std::vector<GeneratedFile> result;
  for (wit::GuestFile& file : generated) {
    result.push_back({std::move(file.path), std::move(file.contents)});
  }
  return result;
}

}  // namespace nimbus::bindgen
