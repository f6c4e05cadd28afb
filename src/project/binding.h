#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "project/schema.h"
#include "project/settings.h"

// How members of structs hold the values of keys: for each type of member its kind, and how a value
// gets in and out. Used by config_keys*.cc only.
namespace nimbus::project {

template <>
const Section& sectionOf<BuildSettings>();
template <>
const Section& sectionOf<ComponentSettings>();
template <>
const Section& sectionOf<DevSettings>();
template <>
const Section& sectionOf<DevVolume>();
template <>
const Section& sectionOf<HostInterfaceSettings>();
template <>
const Section& sectionOf<HostPluginSettings>();
template <>
const Section& sectionOf<HostSettings>();
template <>
const Section& sectionOf<NewSettings>();
template <>
const Section& sectionOf<PluginSettings>();
template <>
const Section& sectionOf<PortSettings>();
template <>
const Section& sectionOf<ProjectConfig>();
template <>
const Section& sectionOf<RustSettings>();
template <>
const Section& sectionOf<SecretSource>();
template <>
const Section& sectionOf<TemplateSettings>();
template <>
const Section& sectionOf<TinyGoSettings>();
template <>
const Section& sectionOf<TypeScriptSettings>();
template <>
const Section& sectionOf<UpdateSettings>();
template <>
const Section& sectionOf<ValueLayer>();
template <>
const Section& sectionOf<ValueSource>();
template <>
const Section& sectionOf<WitRegistry>();
template <>
const Section& sectionOf<WitSettings>();
template <>
const Section& sectionOf<WorkloadSettings>();

template <typename Value>
struct Binding {  // a struct: a section of its own
  static constexpr KeyKind kKind = KeyKind::kSection;
  static const Section* section() { return &sectionOf<Value>(); }
  static void store(Value& into, const YamlNode& value) {
    storeSection(value, sectionOf<Value>(), &into);
  }
  static std::optional<YamlNode> load(const Value& from) {
    YamlNode map = loadSection(sectionOf<Value>(), &from);
    if (map.entries.empty()) return std::nullopt;
    return map;
  }
};

struct NoSection {
  static const Section* section() { return nullptr; }
};

template <>
struct Binding<std::string> : NoSection {
  static constexpr KeyKind kKind = KeyKind::kText;
  static void store(std::string& into, const YamlNode& value) { into = value.text; }
  static std::optional<YamlNode> load(const std::string& from) {
    if (from.empty()) return std::nullopt;
    return textNode(from);
  }
};

template <>
struct Binding<bool> : NoSection {
  static constexpr KeyKind kKind = KeyKind::kBoolean;
  static void store(bool& into, const YamlNode& value) {
    into = value.text.starts_with('t') || value.text.starts_with('T');
  }
  static std::optional<YamlNode> load(const bool& from) {
    return plainNode(from ? "true" : "false");
  }
};

template <typename Number>
  requires(std::is_unsigned_v<Number> && !std::is_same_v<Number, bool>)
struct Binding<Number> : NoSection {
  static constexpr KeyKind kKind = KeyKind::kNumber;
  static void store(Number& into, const YamlNode& value) {
    into = static_cast<Number>(std::stoull(value.text));
  }
  static std::optional<YamlNode> load(const Number& from) {
    return plainNode(std::to_string(from));
  }
};

template <typename Value>
struct Binding<std::optional<Value>> {
  static constexpr KeyKind kKind = Binding<Value>::kKind;
  static const Section* section() { return Binding<Value>::section(); }
  static void store(std::optional<Value>& into, const YamlNode& value) {
    Binding<Value>::store(into.emplace(), value);
  }
  static std::optional<YamlNode> load(const std::optional<Value>& from) {
    if (!from) return std::nullopt;
    if constexpr (std::is_same_v<Value, TextList>) {
      if (from->empty()) return listNode();  // says something else than an absent list
    }
    return Binding<Value>::load(*from);
  }
};

template <typename Item>
struct Binding<std::vector<Item>> {
  static constexpr bool kTexts = std::is_same_v<Item, std::string>;
  static constexpr KeyKind kKind = kTexts ? KeyKind::kTextList : KeyKind::kSectionList;
  static const Section* section() { return Binding<Item>::section(); }
  static void store(std::vector<Item>& into, const YamlNode& value) {
    into.clear();
    for (const YamlNode& item : value.items) Binding<Item>::store(into.emplace_back(), item);
  }
  static std::optional<YamlNode> load(const std::vector<Item>& from) {
    if (from.empty()) return std::nullopt;
    YamlNode list = listNode();
    for (const Item& item : from)
      list.items.push_back(Binding<Item>::load(item).value_or(textNode("")));
    return list;
  }
};

template <typename Item>
struct Binding<std::map<std::string, Item>> {
  static constexpr KeyKind kKind = std::is_same_v<Item, std::string> ? KeyKind::kTextMap
                                   : std::is_same_v<Item, StringMap> ? KeyKind::kTextMaps
                                                                     : KeyKind::kSectionMap;
  static const Section* section() { return Binding<Item>::section(); }
  static void store(std::map<std::string, Item>& into, const YamlNode& value) {
    for (const YamlEntry& entry : value.entries) Binding<Item>::store(into[entry.key], entry.value);
  }
  static std::optional<YamlNode> load(const std::map<std::string, Item>& from) {
    if (from.empty()) return std::nullopt;
    YamlNode map = mapNode();
    for (const auto& [name, item] : from)
      map.entries.push_back({name, 1, Binding<Item>::load(item).value_or(textNode(""))});
    return map;
  }
};

// Collects the keys of one struct:
//
//   SectionBuilder<NewSettings> keys;
//   keys.add("command", &NewSettings::command, "Shell command that `wash new` runs …");
//   return keys.take();
template <typename Owner>
class SectionBuilder {
 public:
  // The reference is good until the next call.
  template <typename Value, typename Base>
    requires std::is_base_of_v<Base, Owner>
  Key& add(std::string_view name, Value Base::* member, std::string_view help) {
    Key key;
    key.name = name;
    key.help = help;
    key.kind = Binding<Value>::kKind;
    key.section = Binding<Value>::section();
    if constexpr (std::is_same_v<Value, std::uint16_t>) key.range = {1, UINT16_MAX};
    if constexpr (std::is_same_v<Value, std::optional<std::uint16_t>>) key.range = {1, UINT16_MAX};
    key.store = [member](void* owner, const YamlNode& value) {
      Binding<Value>::store(static_cast<Owner*>(owner)->*member, value);
    };
    key.load = [member](const void* owner) {
      return Binding<Value>::load(static_cast<const Owner*>(owner)->*member);
    };
    return section_.keys.emplace_back(std::move(key));
  }

  [[nodiscard]] Section take() { return std::move(section_); }

 private:
  Section section_;
};

}  // namespace nimbus::project
