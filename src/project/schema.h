#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/manifest/yaml_reader.h"
#include "host/manifest/yaml_reader_map.h"
#include "project/problems.h"

// The table of keys. A Section says which keys a map may have, and each Key what it holds, what it
// is for, and which member of a struct it is bound to. The one table (config_keys.h) drives
// reading, `wash config validate` and `show`, the environment's and flags' overrides, and the
// reference page.
namespace nimbus::project {

using host::YamlEntry;
using host::YamlNode;

enum class KeyKind {
  kText,
  kBoolean,
  kNumber,
  kTextList,
  kTextMap,   // any name -> text
  kTextMaps,  // any name -> any name -> text
  kSection,
  kSectionList,
  kSectionMap,  // any name -> section
};

struct Section;

struct Key {
  std::string_view name;
  std::string_view help;  // a sentence
  KeyKind kind = KeyKind::kText;
  const Section* section = nullptr;  // of kSection, kSectionList and kSectionMap

  std::vector<std::string_view> words = {};    // the only values of a text, if not empty
  std::vector<std::string_view> aliases = {};  // older names of the same key
  host::NumberRange range = {};
  bool required = false;
  bool any_scalar = false;  // a text that may look like a number, without quotes
  bool secret = false;      // shown as "***"
  bool user_only = false;   // a project's own file must not set it

  // Stores a value of this kind, which has been checked, into the owner's member.
  std::function<void(void* owner, const YamlNode& value)> store = {};
  // The member as a value; nothing if it is empty.
  std::function<std::optional<YamlNode>(const void* owner)> load = {};
};

struct Section {
  std::vector<Key> keys;

  // By its name or an alias.
  [[nodiscard]] const Key* find(std::string_view name) const;
};

// The keys of a struct; config_keys*.cc define one for each.
template <typename Owner>
[[nodiscard]] const Section& sectionOf();

// Reports what a value is wrong about, with everything below it. `path` is the key's own.
void checkValue(const YamlNode& value, const Key& key, const std::string& path,
                ProblemList& problems);
void checkSection(const YamlNode& value, const Section& section, const std::string& path,
                  ProblemList& problems);

// Gives aliases their proper names and scalars the form that every format has, and drops what is
// null: a key without a value is not given.
void normalise(YamlNode& value, const Section& section);

// Stores a map that has been checked and normalised.
void storeSection(const YamlNode& value, const Section& section, void* owner);
// What the struct holds, empty members left out.
[[nodiscard]] YamlNode loadSection(const Section& section, const void* owner);

[[nodiscard]] YamlNode textNode(std::string_view text);
[[nodiscard]] YamlNode plainNode(std::string text);  // a number or a boolean
[[nodiscard]] YamlNode mapNode();
[[nodiscard]] YamlNode listNode();
[[nodiscard]] const YamlNode* findEntry(const YamlNode& map, std::string_view key);
[[nodiscard]] YamlNode* findEntry(YamlNode& map, std::string_view key);

}  // namespace nimbus::project
