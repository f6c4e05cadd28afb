#include "project/builtin_templates.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace nimbus::project {

namespace {

constexpr std::string_view kShared = "shared/";

struct Entry {
  std::string_view folder;
  TemplateManifest manifest;
};

std::vector<Entry> readEntries() {
  std::vector<Entry> entries;
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (file.path != kTemplateManifest) continue;
    auto manifest = parseTemplateManifest(file.content);
    NIMBUS_CHECK(manifest.has_value());  // they are checked by a test
    entries.push_back({file.folder, *std::move(manifest)});
  }
  std::ranges::sort(entries, {}, [](const Entry& entry) {
    return std::tie(entry.manifest.info.name, entry.manifest.info.language);
  });
  return entries;
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> kEntries = readEntries();
  return kEntries;
}

void addFolder(std::string_view folder, const std::string& to, std::vector<TemplateFile>& files) {
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (file.folder != folder || file.path == kTemplateManifest) continue;
    const std::string path(file.path);
    files.push_back({to.empty() ? path : to + "/" + path, std::string(file.content)});
  }
}

}  // namespace

const std::vector<TemplateInfo>& builtinTemplates() {
  static const std::vector<TemplateInfo> kInfos = [] {
    std::vector<TemplateInfo> infos;
    for (const Entry& entry : entries()) infos.push_back(entry.manifest.info);
    return infos;
  }();
  return kInfos;
}

Result<Template> builtinTemplate(std::string_view name, std::string_view language) {
  for (const Entry& entry : entries()) {
    const TemplateInfo& info = entry.manifest.info;
    if (info.name != name || info.language != language) continue;
    Template result{
        .info = info, .variables = entry.manifest.variables, .has_placeholders = true, .files = {}};
    addFolder(entry.folder, "", result.files);
    for (const TemplateInclude& include : entry.manifest.includes) {
      addFolder(std::string(kShared) + include.from, include.to, result.files);
    }
    return result;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no template \"{}\" in {}", name, language));
}

}  // namespace nimbus::project
