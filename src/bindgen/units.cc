#include "bindgen/units.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "bindgen/support_check.h"

namespace nimbus::bindgen {

namespace {

class Selector {
 public:
  explicit Selector(const wit::Document& document) : document_(document) {}

  Result<void> select(const Selection& selection) {
    for (const std::string& name : selection.interfaces) {
      const auto index = document_.findInterface(name);
      if (!index)
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("there is no interface \"{}\", or in several versions", name));
      addInterface(*index, "");
    }
    if (!selection.world.empty()) return selectWorld(selection.world);
    if (!selection.interfaces.empty()) return {};
    if (document_.main_world) {
      addWorld(*document_.main_world);
    } else {
      for (const auto& [name, index] : document_.packages[document_.main_package].interfaces)
        addInterface(index, name);
    }
    return {};
  }

  std::vector<Unit> take() && { return std::move(units_); }

 private:
  Result<void> selectWorld(std::string_view name) {
    for (const auto& [world, index] : document_.packages[document_.main_package].worlds) {
      if (world != name) continue;
      addWorld(index);
      return {};
    }
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no world \"{}\" in package \"{}\"", name,
                            document_.packages[document_.main_package].name));
  }

  wit::PackageName packageName(std::size_t package) const {
    return wit::splitPackageName(document_.packages[package].name);
  }

  // `key`: what a world calls an interface that has no name of its own.
  void addInterface(wit::InterfaceIndex index, const std::string& key) {
    if (!seen_interfaces_.insert(index.value).second) return;
    const wit::Interface& interface = document_.at(index);
    Unit unit;
    unit.owner = index;
    unit.name = interface.name.value_or(key);
    if (interface.package) unit.package = packageName(*interface.package);
    unit.instance = document_.fullName(index);
    if (unit.instance.empty()) unit.instance = wit::fullName(unit.package, unit.name);
    unit.docs = interface.docs;
    for (const auto& [name, type] : interface.types) unit.types.push_back(type);
    for (const wit::Function& function : interface.functions) unit.functions.push_back(&function);
    add(std::move(unit));
  }

  void addWorld(wit::WorldIndex index) {
    if (!seen_worlds_.insert(index.value).second) return;
    const wit::World& world = document_.at(index);
    Unit imports;
    imports.kind = Unit::Kind::kWorldImports;
    imports.owner = index;
    imports.name = world.name;
    imports.package = packageName(world.package);
    Unit exports = imports;
    exports.kind = Unit::Kind::kWorldExports;
    addItems(world.imports, world, imports);
    addItems(world.exports, world, exports);
    const bool has_imports = !imports.types.empty() || !imports.functions.empty();
    // The world is described once, by the first of its units.
    (has_imports ? imports : exports).docs = world.docs;
    if (has_imports) add(std::move(imports));
    if (!exports.functions.empty()) add(std::move(exports));
  }

  void addItems(const std::vector<wit::WorldItem>& items, const wit::World& world, Unit& unit) {
    for (const wit::WorldItem& item : items) {
      if (const auto* interface = std::get_if<wit::InterfaceIndex>(&item.item)) {
        if (!document_.at(*interface).package) inline_package_ = world.package;
        addInterface(*interface, item.key);
      } else if (const auto* function = std::get_if<wit::Function>(&item.item)) {
        unit.functions.push_back(function);
      } else {
        unit.types.push_back(std::get<wit::TypeIndex>(item.item));
      }
    }
  }

  void add(Unit unit) {
    if (unit.package.name.empty() && inline_package_) unit.package = packageName(*inline_package_);
    // Types refer to lower indices only.
    std::ranges::sort(unit.types, {}, &wit::TypeIndex::value);
    for (const wit::TypeIndex type : unit.types) addOwnerOfTarget(type);
    units_.push_back(std::move(unit));
  }

  void addOwnerOfTarget(wit::TypeIndex type) {
    const auto* alias = std::get_if<wit::Alias>(&document_.at(type).kind);
    if (alias == nullptr) return;
    const auto* target = std::get_if<wit::TypeIndex>(&alias->target);
    if (target == nullptr) return;
    const auto& owner = document_.at(*target).owner;
    if (const auto* interface = std::get_if<wit::InterfaceIndex>(&owner)) {
      addInterface(*interface, "");
    }
  }

  const wit::Document& document_;
  std::vector<Unit> units_;
  std::set<std::size_t> seen_interfaces_;
  std::set<std::size_t> seen_worlds_;
  std::optional<std::size_t> inline_package_;
};

}  // namespace

Result<std::vector<Unit>> selectUnits(const wit::Document& document, const Selection& selection) {
  Selector selector(document);
  TRY_VOID(selector.select(selection));
  std::vector<Unit> units = std::move(selector).take();
  for (const Unit& unit : units) TRY_VOID(checkSupported(document, unit));
  return units;
}

}  // namespace nimbus::bindgen
