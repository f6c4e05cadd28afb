#include "engine/entry_type.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/escape.h"
#include "wit/document.h"
#include "wit/interface_name.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

struct Entry {
  ComponentKind kind;
  std::string_view interface;
  std::string_view version;
  std::string_view function;
  std::string_view type;  // as TypeText writes it; the engine does not care for `async`
};

constexpr std::array kEntries = {
    Entry{ComponentKind::kHttpP2, "wasi:http/incoming-handler", "0.2", "handle",
          "func(incoming-request, response-outparam)"},
    Entry{ComponentKind::kHttpP3, "wasi:http/handler", "0.3", "handle",
          "func(request) -> result<response, error-code>"},
    Entry{ComponentKind::kCommandP2, "wasi:cli/run", "0.2", "run", "func() -> result"},
    Entry{ComponentKind::kCommandP3, "wasi:cli/run", "0.3", "run", "func() -> result"},
};

// Writes types as WIT does. Nominal ones by their own name, whatever a world calls them, all others
// by what they consist of, as the engine compares them. A type can consist of the same one many
// times, on every level: what is deeper than any expected type is not told.
class TypeText {
 public:
  explicit TypeText(const wit::Document& world) : world_(world) {}

  std::string of(const wit::Function& function) const {
    std::string text = "func(";
    for (std::size_t i = 0; i < function.params.size(); ++i) {
      if (i > 0) text += ", ";
      if (i == kMostParameters) {
        text += kMore;
        break;
      }
      text += of(function.params[i].type, kMostLevels);
    }
    text += ")";
    if (function.result) text += " -> " + of(*function.result, kMostLevels);
    return text;
  }

 private:
  static constexpr std::size_t kMostParameters = 8;
  static constexpr int kMostLevels = 4;
  static constexpr std::string_view kMore = "...";

  std::string of(const wit::TypeRef& type, int levels) const {
    if (levels == 0) return std::string(kMore);
    const wit::TypeRef behind = world_.resolve(type);
    if (const auto* primitive = std::get_if<wit::Primitive>(&behind))
      return std::string(wit::primitiveName(*primitive));
    return of(world_.at(std::get<wit::TypeIndex>(behind)), levels - 1);
  }
  std::string of(const std::optional<wit::TypeRef>& type, int levels) const {
    return type ? of(*type, levels) : "_";
  }

  std::string of(const wit::Type& type, int levels) const {
    if (const auto* handle = std::get_if<wit::Handle>(&type.kind)) {
      const std::string resource = of(wit::TypeRef(handle->resource), levels);
      return handle->borrowed ? fmt::format("borrow<{}>", resource) : resource;
    }
    if (const auto* either = std::get_if<wit::ResultType>(&type.kind)) return of(*either, levels);
    if (const auto* list = std::get_if<wit::List>(&type.kind))
      return fmt::format("list<{}>", of(list->element, levels));
    if (const auto* option = std::get_if<wit::Option>(&type.kind))
      return fmt::format("option<{}>", of(option->some, levels));
    if (const auto* stream = std::get_if<wit::Stream>(&type.kind))
      return fmt::format("stream<{}>", of(stream->element, levels));
    if (const auto* future = std::get_if<wit::Future>(&type.kind))
      return fmt::format("future<{}>", of(future->value, levels));
    if (std::holds_alternative<wit::Tuple>(type.kind)) return "tuple<...>";
    return type.name ? escaped(*type.name) : "a type without a name";
  }

  std::string of(const wit::ResultType& either, int levels) const {
    if (!either.ok && !either.err) return "result";
    if (!either.err) return fmt::format("result<{}>", of(either.ok, levels));
    return fmt::format("result<{}, {}>", of(either.ok, levels), of(either.err, levels));
  }

  const wit::Document& world_;
};

Result<void> checkInterface(const wit::Document& world, const wit::Interface& interface,
                            std::string_view name, const Entry& entry) {
  const auto found = std::ranges::find(interface.functions, entry.function, &wit::Function::name);
  if (found == interface.functions.end())
    return fail(ErrorCode::kUnsupported, fmt::format("the exported {} has no function \"{}\"",
                                                     escaped(name), entry.function));
  const std::string type = TypeText(world).of(*found);
  if (type == entry.type) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("\"{}\" of the exported {} has the wrong type: it is {} and must be {}",
                          entry.function, escaped(name), type, entry.type));
}

}  // namespace

Result<void> checkEntryType(ByteView component, ComponentKind kind) {
  const auto entry = std::ranges::find(kEntries, kind, &Entry::kind);
  if (entry == kEntries.end()) return {};
  const auto json = wit::worldJson(component);
  if (!json) return {};
  const auto world = wit::readDocument(*json);
  if (!world || !world->main_world) return {};
  for (const wit::WorldItem& item : world->at(*world->main_world).exports) {
    const auto* index = std::get_if<wit::InterfaceIndex>(&item.item);
    if (index == nullptr) continue;
    const std::string name = world->fullName(*index);
    if (!wit::interfaceMatches(entry->interface, entry->version, name)) continue;
    TRY_VOID(checkInterface(*world, world->at(*index), name, *entry));
  }
  return {};
}

}  // namespace nimbus::engine
