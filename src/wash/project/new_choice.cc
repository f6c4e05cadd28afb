#include "wash/project/new_choice.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"
#include "project/builtin_templates.h"
#include "project/config.h"
#include "wash/terminal/ask.h"
#include "wash/terminal/clone_line.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;
using project::TemplateInfo;

// What else a language is called.
std::string canonicalLanguage(const std::string& language) {
  if (language == "js") return "javascript";
  if (language == "ts") return "typescript";
  if (language == "c++") return "cpp";
  if (language == "c#" || language == "dotnet") return "csharp";
  if (language == "py") return "python";
  return language;
}

std::string line(const TemplateInfo& info) {
  return fmt::format("{} ({}): {}{}", info.name, info.language, info.description,
                     info.verified ? "" : "; not verified in our tests");
}

std::vector<std::string> lines(const std::vector<TemplateInfo>& infos) {
  std::vector<std::string> texts;
  for (const TemplateInfo& info : infos) texts.push_back(line(info));
  return texts;
}

// Those that fit what was said. The name may carry the language.
std::vector<TemplateInfo> fitting(const NewChoice& choice, const TemplateCatalog& catalog) {
  const std::string language = canonicalLanguage(choice.language);
  std::vector<TemplateInfo> infos;
  for (const TemplateInfo& info : catalog.builtin) {
    const bool whole = choice.template_name == info.name + "-" + info.language;
    const bool named = choice.template_name.empty() || choice.template_name == info.name || whole;
    if (named && (language.empty() || language == info.language)) infos.push_back(info);
  }
  return infos;
}

// Those of the name that was said, else those in the language, else all: where none fits both.
std::vector<TemplateInfo> closest(NewChoice choice, const TemplateCatalog& catalog) {
  const std::string language = std::exchange(choice.language, "");
  if (auto named = fitting(choice, catalog); !named.empty()) return named;
  choice.template_name.clear();
  choice.language = language;
  auto spoken = fitting(choice, catalog);
  return spoken.empty() ? catalog.builtin : spoken;
}

std::string said(const NewChoice& choice) {
  std::string text;
  if (!choice.template_name.empty()) text += fmt::format(" \"{}\"", choice.template_name);
  if (!choice.language.empty()) text += fmt::format(" in {}", choice.language);
  return text;
}

// What leads to the list of those that there are, by way of a known word that an unknown one may
// stand for.
std::string leadIn(const NewChoice& choice, const TemplateCatalog& catalog) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> languages;
  const std::string language = canonicalLanguage(choice.language);
  for (const TemplateInfo& info : catalog.builtin) {
    names.push_back(info.name);
    languages.push_back(info.language);
  }
  for (const project::TemplateSettings& entry : catalog.configured) names.push_back(entry.name);
  const std::pair<std::string_view, std::span<const std::string_view>> said[] = {
      {choice.template_name, names}, {language, languages}};
  // With its language, too, a name is known.
  NewChoice named = choice;
  named.language.clear();
  const bool is_known = !choice.template_name.empty() && !fitting(named, catalog).empty();
  for (const auto& [word, known] : std::span(said).subspan(is_known ? 1 : 0)) {
    if (word.empty() || std::ranges::find(known, word) != known.end()) continue;
    if (const auto nearest = nearestKey(word, known))
      return fmt::format("; did you mean \"{}\"? There are", *nearest);
  }
  return "; there are";
}

// What there will be templates of once it can be run.
std::string_view whyNot(std::string_view template_name) {
  return template_name.contains("messag") ? " yet: this wash does not serve wasmcloud:messaging"
                                          : "";
}

Result<TemplateInfo> pick(const NewChoice& choice, const TemplateCatalog& catalog,
                          const ChoiceSurroundings& surroundings) {
  const std::vector<TemplateInfo> infos = fitting(choice, catalog);
  if (infos.size() == 1) return infos.front();
  if (infos.empty())
    return fail(
        ErrorCode::kNotFound,
        fmt::format("there is no template{}{}{}:\n  {}", said(choice), whyNot(choice.template_name),
                    leadIn(choice, catalog), fmt::join(lines(closest(choice, catalog)), "\n  ")));
  if (!surroundings.interactive)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("which template? Say it with --template and --language:\n  {}",
                            fmt::join(lines(infos), "\n  ")));
  TRY(const std::size_t index, askChoice("Which template?", lines(infos), surroundings.stop));
  return infos[index];
}

// "https://example.com/me/things.git" is called "things".
std::string nameOfRepository(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  if (url.ends_with(".git")) url.remove_suffix(4);
  const std::size_t begin = url.find_last_of("/:");
  return std::string(begin == std::string_view::npos ? url : url.substr(begin + 1));
}

Result<ChosenTemplate> fromGit(const project::GitTemplate& git,
                               const ChoiceSurroundings& surroundings) {
  auto contents = [&] {
    StatusLine line;
    const CloneLine clone(
        line, git.url,
        surroundings.interactive ? CloneLine::Git::kMayAsk : CloneLine::Git::kAsksNothing);
    return project::readGitTemplate(git, surroundings.runner, surroundings.interactive,
                                    surroundings.stop);
  }();
  if (!contents) return fail(contents.error().code(), "cannot use " + git.url, contents.error());
  const std::string name = git.subfolder.empty() ? nameOfRepository(git.url)
                                                 : fs::path(git.subfolder).filename().string();
  return ChosenTemplate{*std::move(contents), name, git.url, git.subfolder};
}

Result<ChosenTemplate> fromFolder(const NewChoice& choice) {
  TRY(const fs::path folder, project::folderInside(choice.local, choice.git.subfolder));
  TRY(project::Template contents, project::readTemplateFolder(folder));
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  return ChosenTemplate{std::move(contents), real.filename().string(), real.string(),
                        choice.git.subfolder};
}

const project::TemplateSettings* configured(const NewChoice& choice,
                                            const TemplateCatalog& catalog) {
  const auto found =
      std::ranges::find(catalog.configured, choice.template_name, &project::TemplateSettings::name);
  return choice.template_name.empty() || found == catalog.configured.end() ? nullptr : &*found;
}

}  // namespace

Result<TemplateCatalog> readCatalog(const std::string& user_file) {
  std::error_code error;
  const project::Project here = project::findProject(fs::current_path(error).string());
  TRY(project::LoadedConfig loaded, project::loadProjectConfig(here, {}, user_file));
  return TemplateCatalog{project::builtinTemplates(), std::move(loaded.config.templates)};
}

std::string catalogText(const TemplateCatalog& catalog) {
  std::vector<std::string> texts = lines(catalog.builtin);
  for (const project::TemplateSettings& entry : catalog.configured) {
    std::string& text = texts.emplace_back();
    appendEscaped(text, fmt::format("{} ({}): {}; {}", entry.name, entry.language,
                                    entry.description, entry.repository));
  }
  return fmt::format("{}", fmt::join(texts, "\n"));
}

std::vector<DataField> catalogFields(const TemplateCatalog& catalog) {
  std::vector<std::string> entries;
  for (const TemplateInfo& info : catalog.builtin) {
    entries.push_back(fmt::format(
        R"({{"name":{},"language":{},"description":{},"verified":{},"repository":null}})",
        jsonText(info.name), jsonText(info.language), jsonText(info.description), info.verified));
  }
  for (const project::TemplateSettings& entry : catalog.configured) {
    entries.push_back(fmt::format(
        R"({{"name":{},"language":{},"description":{},"verified":false,"repository":{}}})",
        jsonText(entry.name), jsonText(entry.language), jsonText(entry.description),
        jsonText(entry.repository)));
  }
  return {{"templates", fmt::format("[{}]", fmt::join(entries, ","))}};
}

Result<ChosenTemplate> chooseTemplate(const NewChoice& choice, const TemplateCatalog& catalog,
                                      const ChoiceSurroundings& surroundings) {
  const int sources = static_cast<int>(!choice.git.url.empty()) +
                      static_cast<int>(!choice.local.empty()) +
                      static_cast<int>(!choice.template_name.empty());
  if (sources > 1)
    return fail(ErrorCode::kInvalidArgument,
                "a template, a repository and a folder: only one of them can be the source");
  if (!choice.git.url.empty()) return fromGit(choice.git, surroundings);
  if (!choice.git.ref.empty())
    return fail(ErrorCode::kInvalidArgument, "--ref is for a repository: --git URL");
  if (!choice.local.empty()) return fromFolder(choice);
  if (!choice.git.subfolder.empty())
    return fail(ErrorCode::kInvalidArgument, "--subfolder is for --git and --local");
  if (const auto* entry = configured(choice, catalog)) {
    return fromGit({entry->repository, entry->ref, entry->subfolder}, surroundings);
  }
  TRY(const TemplateInfo info, pick(choice, catalog, surroundings));
  TRY(project::Template contents, project::builtinTemplate(info.name, info.language));
  return ChosenTemplate{std::move(contents), info.name, "", ""};
}

}  // namespace nimbus::wash
