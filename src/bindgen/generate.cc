#include "bindgen/generate.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "bindgen/cpp/cpp_backend.h"
#include "bindgen/guest.h"
#include "bindgen/whole_file.h"
#include "bindgen/wit_files.h"
#include "wit/input_streams.h"

namespace nimbus::bindgen {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCpp = "cpp";

bool hasText(const fs::path& path, const std::string& text) {
  return readFile(path, text.size()) == text;
}

}  // namespace

Result<std::vector<GeneratedFile>> generateBindings(const GenerateRequest& request) {
  if (isGuestLanguage(request.language)) return generateGuestBindings(request);
  if (request.language != kCpp)
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("there are no bindings for \"{}\"; there are: c, cpp, go", request.language));
  TRY(wit::Document document, loadWit(request.wit));
  wit::mapInputStreams(document);
  TRY(const std::vector<Unit> units, selectUnits(document, request.selection));
  return cpp::CppBackend(request.backend).generate(document, units);
}

Result<std::vector<std::string>> writeFiles(const std::vector<GeneratedFile>& files,
                                            const fs::path& folder) {
  std::vector<std::string> written;
  for (const GeneratedFile& file : files) {
    if (hasText(folder / file.path, file.text)) continue;
    TRY_VOID(writeWholeFile(folder / file.path, file.text));
    written.push_back(file.path);
  }
  return written;
}

std::vector<std::string> staleFiles(const std::vector<GeneratedFile>& files,
                                    const fs::path& folder) {
  std::vector<std::string> stale;
  for (const GeneratedFile& file : files) {
    if (!hasText(folder / file.path, file.text)) stale.push_back(file.path);
  }
  return stale;
}

}  // namespace nimbus::bindgen
