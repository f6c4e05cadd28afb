#include "wit/conformance.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "wit/interface_name.h"
#include "wit/type_comparison.h"

namespace nimbus::wit {
namespace {

constexpr std::size_t kMostProblems = 20;

// What components import whose authors have not thought of it.
constexpr std::array<std::string_view, 7> kBroughtAlong = {
    "wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http",
    "wasi:io",  "wasi:random", "wasi:sockets"};

enum class Direction { kImport, kExport };

// By what name an item is imported or exported: an interface's own one, or the plain one of a
// function or of an interface that was given one.
std::string nameOf(const Document& document, const WorldItem& item) {
  const auto* interface = std::get_if<InterfaceIndex>(&item.item);
  if (interface == nullptr || !item.key.starts_with("interface-")) return item.key;
  std::string full = document.fullName(*interface);
  return full.empty() ? item.key : full;
}

bool isType(const WorldItem& item) { return std::holds_alternative<TypeIndex>(item.item); }

class Conformance {
 public:
  Conformance(const Document& component, const Document& document, std::string_view world_label)
      : component_(component), document_(document), world_(world_label) {}

  std::vector<std::string> problems(const World& have, const World& want) {
    for (const WorldItem& item : want.exports) {
      if (!isType(item)) exported(item, have.exports);
    }
    for (const WorldItem& item : have.imports) {
      if (!isType(item)) imported(item, want.imports);
    }
    return std::move(problems_);
  }

 private:
  void exported(const WorldItem& want, const std::vector<WorldItem>& all) {
    const std::string name = escaped(nameOf(document_, want));
    const WorldItem* const have = find(component_, all, nameOf(document_, want));
    if (have == nullptr)
      return add(fmt::format("does not export {}, which {} asks for", name, world_));
    compareItems(*have, want, name, Direction::kExport);
  }

  void imported(const WorldItem& have, const std::vector<WorldItem>& all) {
    const std::string raw = nameOf(component_, have);
    const std::string package = parseInterfaceName(raw).package;
    if (std::ranges::find(kBroughtAlong, package) != kBroughtAlong.end()) return;
    const std::string name = escaped(raw);
    const WorldItem* const want = find(document_, all, raw);
    if (want == nullptr) return add(fmt::format("imports {}, which {} does not", name, world_));
    compareItems(have, *want, name, Direction::kImport);
  }

  void compareItems(const WorldItem& have, const WorldItem& want, std::string_view name,
                    Direction direction) {
    if (have.item.index() != want.item.index()) return otherKind(have, name, direction);
    if (const auto* function = std::get_if<Function>(&have.item))
      return compare(*function, std::get<Function>(want.item), name, direction);
    const auto& mine = component_.at(std::get<InterfaceIndex>(have.item)).functions;
    const auto& theirs = document_.at(std::get<InterfaceIndex>(want.item)).functions;
    // What is asked for must be there: by the world of exports, by the component of imports.
    const bool exports = direction == Direction::kExport;
    const auto& there = exports ? mine : theirs;
    for (const Function& asked : exports ? theirs : mine) {
      const std::string full = fmt::format("`{}` of {}", escaped(asked.name), name);
      const auto found = std::ranges::find(there, asked.name, &Function::name);
      if (found != there.end()) {
        compare(exports ? *found : asked, exports ? asked : *found, full, direction);
      } else {
        add(exports ? fmt::format("does not export {}, which {} asks for", full, world_)
                    : fmt::format("imports {}, which is not there in {}", full, world_));
      }
    }
  }

  static const WorldItem* find(const Document& document, const std::vector<WorldItem>& items,
                               std::string_view name) {
    const InterfaceName wanted = parseInterfaceName(name);
    const WorldItem* compatible = nullptr;
    for (const WorldItem& item : items) {
      if (isType(item)) continue;
      const std::string there = nameOf(document, item);
      if (there == name) return &item;
      // Of several versions the last is the one with the most.
      if (interfaceMatches(wanted.interface, wanted.version, there)) compatible = &item;
    }
    return compatible;
  }

  [[nodiscard]] static std::string_view verb(Direction direction) {
    return direction == Direction::kImport ? "imports" : "exports";
  }

  void otherKind(const WorldItem& have, std::string_view name, Direction direction) {
    const bool function = std::holds_alternative<Function>(have.item);
    add(fmt::format("{} {} as {}, and not as {} has it", verb(direction), name,
                    function ? "a function" : "an interface", world_));
  }

  void compare(const Function& have, const Function& want, std::string_view name,
               Direction direction) {
    const auto different = types_.difference(have, want);
    if (!different) return;
    add(fmt::format("{} {} with another type than {} has: {}", verb(direction), name, world_,
                    *different));
  }

  void add(std::string text) {
    if (problems_.size() < kMostProblems) problems_.push_back(std::move(text));
  }

  const Document& component_;
  const Document& document_;
  const std::string_view world_;
  TypeComparison types_{component_, document_};
  std::vector<std::string> problems_;
};

Result<WorldIndex> findByFullName(const Document& document, std::string_view name) {
  std::vector<WorldIndex> found;
  for (const Package& package : document.packages) {
    for (const auto& [world, index] : package.worlds) {
      const std::string full = fullName(package, world);
      if (full == name) return index;
      if (full.substr(0, full.find('@')) == name) found.push_back(index);
    }
  }
  if (found.size() == 1) return found.front();
  const std::string_view what =
      found.empty() ? "there is no world" : "there are several versions of";
  return fail(ErrorCode::kNotFound, fmt::format("{} {}", what, escaped(name)));
}

}  // namespace

Result<WorldIndex> findWorld(const Document& document, std::string_view name) {
  if (name.contains('/')) return findByFullName(document, name);
  const Package& main = document.packages[document.main_package];
  std::vector<std::string_view> names;
  for (const auto& [world, index] : main.worlds) {
    if (world == name || (name.empty() && main.worlds.size() == 1)) return index;
    names.push_back(world);
  }
  if (names.empty())
    return fail(name.empty() ? ErrorCode::kInvalidArgument : ErrorCode::kNotFound,
                fmt::format("package {} has no world", main.name));
  if (name.empty())
    return fail(ErrorCode::kInvalidArgument, fmt::format("package {} has several worlds: {}",
                                                         main.name, fmt::join(names, ", ")));
  return fail(ErrorCode::kNotFound, fmt::format("package {} has no world {}; there is {}",
                                                main.name, escaped(name), fmt::join(names, ", ")));
}

std::vector<std::string> conformanceProblems(const Document& component, const Document& document,
                                             WorldIndex world, std::string_view world_label) {
  if (!component.main_world) return {"has no world"};
  return Conformance(component, document, world_label)
      .problems(component.at(*component.main_world), document.at(world));
}

}  // namespace nimbus::wit
