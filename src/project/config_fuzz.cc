// Configuration files and variable files from outside bytes. The first byte says which format the
// rest is in. What loads is written in every format and reads back as the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/code_point.h"
#include "project/binding.h"
#include "project/config_reference.h"
#include "project/config_text.h"
#include "project/json_reader.h"
#include "project/toml_reader.h"
#include "project/variable_file.h"

namespace nimbus::project {
namespace {

Result<YamlNode> parse(std::string_view text, ConfigFormat format) {
  switch (format) {
    case ConfigFormat::kToml: return parseToml(text, "f");
    case ConfigFormat::kJson: return parseJson(text, "f");
    case ConfigFormat::kYaml: break;
  }
  return host::parseYaml(text, "f");
}

void checkMessage(const std::string& message) {
  NIMBUS_CHECK(!message.empty());
  NIMBUS_CHECK(!firstInvalidUtf8(message));
  NIMBUS_CHECK(!message.contains('\n'));
}

std::string jsonOfStored(const YamlNode& values) {
  ProjectConfig config;
  storeSection(values, sectionOf<ProjectConfig>(), &config);
  return jsonOf(loadSection(sectionOf<ProjectConfig>(), &config));
}

void checkConfigText(std::string_view text, ConfigFormat format) {
  auto document = parse(text, format);
  if (!document) return checkMessage(document.error().message());
  ProblemList problems("f");
  checkSection(*document, sectionOf<ProjectConfig>(), "", problems);
  if (problems.any()) {
    for (const ConfigProblem& problem : problems.take()) checkMessage(problem.message);
    return;
  }
  normalise(*document, sectionOf<ProjectConfig>());
  const std::string stored = jsonOfStored(*document);
  for (const ConfigFormat other : {ConfigFormat::kYaml, ConfigFormat::kJson, ConfigFormat::kToml}) {
    const auto again = parse(writeConfig(*document, other), other);
    NIMBUS_CHECK(again.has_value());
    NIMBUS_CHECK(jsonOfStored(*again) == stored);
  }
}

}  // namespace
}  // namespace nimbus::project

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nimbus::project::ConfigFormat;
  if (size == 0) return 0;
  const std::string_view text = nimbus::asText({data + 1, size - 1});
  switch (data[0] % 4) {
    case 0: nimbus::project::checkConfigText(text, ConfigFormat::kYaml); break;
    case 1: nimbus::project::checkConfigText(text, ConfigFormat::kJson); break;
    case 2: nimbus::project::checkConfigText(text, ConfigFormat::kToml); break;
    default: {
      const auto values = nimbus::project::parseVariableFile(text, "f");
      if (!values) nimbus::project::checkMessage(values.error().message());
    }
  }
  return 0;
}
