#include "project/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/config_reference.h"
#include "project/schema.h"
#include "project/toml_reader.h"

namespace nimbus::project {
namespace {

using testing::HasSubstr;
using testing::Not;

// The map that `text` has in that format, as JSON.
std::string readBack(const std::string& text, ConfigFormat format) {
  const auto read =
      format == ConfigFormat::kToml ? parseToml(text, "f") : host::parseYaml(text, "f");
  return read ? jsonOf(*read) : read.error().message();
}

// Keys in the order of their names, as TOML gives them.
YamlNode hardToWrite() {
  YamlNode below = mapNode();
  below.entries.push_back({"a b", 1, textNode("yes")});
  below.entries.push_back({"n", 1, plainNode("7")});
  YamlNode list = listNode();
  list.items.push_back(below);
  YamlNode empty = listNode();
  YamlNode map = mapNode();
  map.entries.push_back({"a-list", 1, list});
  map.entries.push_back({"b-none", 1, empty});
  map.entries.push_back({"c-texts", 1, textNode("line\nbreak: \"#'")});
  map.entries.push_back({"d-number", 1, textNode("0x10")});
  map.entries.push_back({"e-flag", 1, plainNode("true")});
  map.entries.push_back({"z-map", 1, below});
  return map;
}

TEST(ConfigText, ReadsBackAsWhatWasWritten) {
  const YamlNode map = hardToWrite();
  for (const ConfigFormat format :
       {ConfigFormat::kYaml, ConfigFormat::kJson, ConfigFormat::kToml}) {
    const std::string text = writeConfig(map, format);
    EXPECT_EQ(readBack(text, format), jsonOf(map)) << text;
  }
}

TEST(ConfigText, WritesScalarsThatOnlyYamlHasInEveryFormat) {
  auto map = host::parseYaml("version: 0017\nwit:\n  skip_fetch: True\n", "f");
  ASSERT_TRUE(map);
  normalise(*map, sectionOf<ProjectConfig>());
  for (const ConfigFormat format :
       {ConfigFormat::kYaml, ConfigFormat::kJson, ConfigFormat::kToml}) {
    const std::string text = writeConfig(*map, format);
    EXPECT_EQ(readBack(text, format), R"({"version":"0017","wit":{"skip_fetch":true}})") << text;
  }
}

TEST(ConfigText, NotesStandBehindValues) {
  YamlNode below = mapNode();
  below.entries.push_back({"address", 1, textNode("127.0.0.1:0")});
  YamlNode map = mapNode();
  map.entries.push_back({"dev", 1, below});
  EXPECT_EQ(writeConfig(map, ConfigFormat::kYaml, [](const std::string& key) { return key; }),
            "dev:\n  address: \"127.0.0.1:0\"  # dev.address\n");
}

TEST(ConfigText, HidesSecrets) {
  LoadedConfig loaded;
  loaded.config.secrets["s"].inline_values = {{"P", "hunter2"}};
  loaded.config.configs["c"].inline_values = {{"Q", "seen"}};
  loaded.config.wit.registries = {{"r", "me", "hunter2"}};
  loaded.config.dev.postgres_url = "postgres://me:hunter2@db:5432/x";
  const std::string shown = jsonOf(withoutSecrets(withDefaults(loaded)));
  EXPECT_THAT(shown, Not(HasSubstr("hunter2")));
  EXPECT_THAT(shown, HasSubstr("seen"));
  EXPECT_THAT(shown, HasSubstr("postgres://me:***@db:5432/x"));
}

}  // namespace
}  // namespace nimbus::project
