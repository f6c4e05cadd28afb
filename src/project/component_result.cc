#include "project/component_result.h"

#include <string>
#include <system_error>

#include "base/files.h"
#include "bindgen/whole_file.h"
#include "bindgen/wit_files.h"
#include "wit/tools.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic("\0asm", 4);

Result<Bytes> componentOf(ByteView module, const wit::ComponentInfo& info,
                          const ResultRequest& request) {
  const fs::path& wit = request.wit;
  std::error_code error;
  const bool complete = info.carries_world || info.entry == wit::ModuleEntry::kCommand;
  if (complete || !fs::exists(wit, error)) return wit::componentize(module);
  TRY(const std::vector<wit::WitFile> files, bindgen::readWitFiles(wit));
  return wit::encodeComponent(module, files, request.world);
}

Result<ComponentFile> validated(const fs::path& path, Bytes component, wit::ComponentInfo info,
                                wit::FunctionBodies bodies) {
  const auto valid = wit::validate(component.view(), wit::Proposals::kAll, bodies);
  if (valid) return ComponentFile{path, std::move(component), std::move(info)};
  return fail(ErrorCode::kInvalidArgument, path.string() + " is not a valid component",
              valid.error());
}

}  // namespace

Result<ComponentFile> ensureComponent(const ResultRequest& request) {
  TRY(std::string content, readFile(request.built.string(), kMaxComponentBytes));
  Bytes built = Bytes::take(std::move(content));
  if (!built.text().starts_with(kMagic))
    return fail(ErrorCode::kInvalidArgument, request.built.string() + " is not WebAssembly");
  auto info = wit::inspectComponent(built.view());
  if (!info) return fail(ErrorCode::kInvalidArgument, request.built.string(), info.error());
  if (info->kind == wit::BinaryKind::kComponent) {
    const bool stays = !request.move_to_output || request.built == request.output;
    if (!stays) TRY_VOID(bindgen::writeWholeFile(request.output, built.text()));
    return validated(stays ? request.built : request.output, std::move(built), *std::move(info),
                     request.bodies);
  }
  auto component = componentOf(built.view(), *info, request);
  if (!component)
    return fail(ErrorCode::kInvalidArgument,
                request.built.string() + " is a core module that cannot become a component",
                component.error());
  TRY_VOID(bindgen::writeWholeFile(request.output, component->text()));
  TRY(wit::ComponentInfo made, wit::inspectComponent(component->view()));
  return validated(request.output, *std::move(component), std::move(made), request.bodies);
}

}  // namespace nimbus::project
