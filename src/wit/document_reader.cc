// readDocument(): the JSON of docs/formats/wit-json.md as a Document.

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <stdexcept>
#include <utility>

#include "wit/document.h"

namespace nimbus::wit {
namespace {

namespace json = boost::json;

constexpr std::array kPrimitives = {Primitive::kBool,   Primitive::kU8,          Primitive::kU16,
                                    Primitive::kU32,    Primitive::kU64,         Primitive::kS8,
                                    Primitive::kS16,    Primitive::kS32,         Primitive::kS64,
                                    Primitive::kF32,    Primitive::kF64,         Primitive::kChar,
                                    Primitive::kString, Primitive::kErrorContext};

// Thrown within this file where the document is not of its form.
[[noreturn]] void wrong(const std::string& what) { throw std::runtime_error(what); }

std::size_t index(const json::value& value, std::size_t count) {
  const auto number = value.to_number<std::size_t>();
  if (number >= count) wrong("an index points nowhere");
  return number;
}

std::string text(const json::value& value) { return json::value_to<std::string>(value); }

std::string docsOf(const json::object& object) {
  const json::value* const docs = object.if_contains("docs");
  if (docs == nullptr || !docs->is_object()) return {};
  const json::value* const contents = docs->as_object().if_contains("contents");
  return contents != nullptr && contents->is_string() ? text(*contents) : std::string();
}

class Reader {
 public:
  explicit Reader(const json::object& root) : root_(root) {}

  Document read() {
    interface_count_ = root_.at("interfaces").as_array().size();
    world_count_ = root_.at("worlds").as_array().size();
    type_count_ = root_.at("types").as_array().size();
    package_count_ = root_.at("packages").as_array().size();
    for (const json::value& entry : root_.at("types").as_array()) readType(entry.as_object());
    type_limit_ = type_count_;
    for (const json::value& entry : root_.at("interfaces").as_array())
      readInterface(entry.as_object());
    for (const json::value& entry : root_.at("worlds").as_array()) readWorld(entry.as_object());
    for (const json::value& entry : root_.at("packages").as_array()) readPackage(entry.as_object());
    const json::object& main = root_.at("main").as_object();
    document_.main_package = index(main.at("package"), package_count_);
    if (!main.at("world").is_null())
      document_.main_world = WorldIndex{index(main.at("world"), world_count_)};
    return std::move(document_);
  }

 private:
  TypeRef ref(const json::value& value) {
    if (!value.is_string()) {
      const TypeIndex type{index(value, type_limit_)};
      depth_ = std::max(depth_, type.value < depths_.size() ? depths_[type.value] : 0);
      return type;
    }
    for (const Primitive primitive : kPrimitives) {
      if (value.as_string() == primitiveName(primitive)) return primitive;
    }
    wrong("there is no type \"" + text(value) + "\"");
  }
  std::optional<TypeRef> optionalRef(const json::value* value) {
    if (value == nullptr || value->is_null()) return std::nullopt;
    return ref(*value);
  }

  std::vector<Field> fields(const json::array& list) {
    std::vector<Field> fields;
    for (const json::value& entry : list) {
      const json::object& object = entry.as_object();
      fields.push_back({text(object.at("name")), ref(object.at("type")), docsOf(object)});
    }
    return fields;
  }
  static std::vector<Label> labels(const json::array& list) {
    std::vector<Label> labels;
    for (const json::value& entry : list)
      labels.push_back({text(entry.as_object().at("name")), docsOf(entry.as_object())});
    return labels;
  }
  std::vector<Case> cases(const json::array& list) {
    std::vector<Case> cases;
    for (const json::value& entry : list) {
      const json::object& object = entry.as_object();
      cases.push_back(
          {text(object.at("name")), optionalRef(object.if_contains("type")), docsOf(object)});
    }
    return cases;
  }

  Tuple tuple(const json::array& list) {
    Tuple tuple;
    for (const json::value& entry : list) tuple.types.push_back(ref(entry));
    return tuple;
  }

  TypeKind kind(const json::value& value) {
    if (value.is_string()) {
      if (value.as_string() == "resource") return ResourceType{};
      wrong("there is no kind \"" + text(value) + "\"");
    }
    const auto& member = *value.as_object().begin();
    const std::string_view name = member.key();
    const json::value& content = member.value();
    if (name == "record") return Record{fields(content.at("fields").as_array())};
    if (name == "variant") return Variant{cases(content.at("cases").as_array())};
    if (name == "enum") return Enum{labels(content.at("cases").as_array())};
    if (name == "flags") return Flags{labels(content.at("flags").as_array())};
    if (name == "tuple") return tuple(content.at("types").as_array());
    if (name == "list") return List{ref(content)};
    if (name == "option") return Option{ref(content)};
    if (name == "type") return Alias{ref(content)};
    if (name == "handle") return handle(content.as_object());
    return rareKind(name, content);
  }
  TypeKind rareKind(std::string_view name, const json::value& content) {
    if (name == "result") {
      const json::object& sides = content.as_object();
      return ResultType{optionalRef(sides.if_contains("ok")),
                        optionalRef(sides.if_contains("err"))};
    }
    if (name == "stream") return Stream{optionalRef(&content)};
    if (name == "future") return Future{optionalRef(&content)};
    if (name == "map") return Map{ref(content.as_array().at(0)), ref(content.as_array().at(1))};
    if (name == "fixed-length-list") {
      return FixedLengthList{ref(content.as_array().at(0)),
                             content.as_array().at(1).to_number<std::uint32_t>()};
    }
    wrong("there is no kind \"" + std::string(name) + "\"");
  }

  Handle handle(const json::object& object) const {
    const auto& member = *object.begin();
    return {.borrowed = member.key() == "borrow",
            .resource = TypeIndex{index(member.value(), type_count_)}};
  }

  void readType(const json::object& object) {
    type_limit_ = document_.types.size();
    depth_ = 0;
    Type type;
    if (object.at("name").is_string()) type.name = text(object.at("name"));
    type.kind = kind(object.at("kind"));
    type.docs = docsOf(object);
    if (object.at("owner").is_object()) {
      const auto& owner = *object.at("owner").as_object().begin();
      if (owner.key() == "interface") {
        type.owner = InterfaceIndex{index(owner.value(), interface_count_)};
      } else {
        type.owner = WorldIndex{index(owner.value(), world_count_)};
      }
    }
    document_.types.push_back(std::move(type));
    depths_.push_back(depth_ + 1);
    if (depth_ >= kMaxTypeDepth) wrong("types nest too deep");
  }

  void readFunctionKind(const json::value& value, Function& function) const {
    if (value.is_string()) {
      function.async = value.as_string() == "async-freestanding";
      return;
    }
    const auto& member = *value.as_object().begin();
    std::string_view name = member.key();
    if (name.starts_with("async-")) {
      function.async = true;
      name.remove_prefix(6);
    }
    function.resource = TypeIndex{index(member.value(), type_count_)};
    if (name == "method") {
      function.kind = FunctionKind::kMethod;
    } else if (name == "static") {
      function.kind = FunctionKind::kStatic;
    } else if (name == "constructor") {
      function.kind = FunctionKind::kConstructor;
    } else {
      wrong("there is no kind of function \"" + std::string(name) + "\"");
    }
  }

  Function function(const json::object& object) {
    Function function;
    function.name = text(object.at("name"));
    readFunctionKind(object.at("kind"), function);
    function.params = fields(object.at("params").as_array());
    function.result = optionalRef(object.if_contains("result"));
    function.docs = docsOf(object);
    return function;
  }

  void readInterface(const json::object& object) {
    Interface interface;
    if (object.at("name").is_string()) interface.name = text(object.at("name"));
    for (const auto& entry : object.at("types").as_object()) {
      interface.types.emplace_back(std::string(entry.key()),
                                   TypeIndex{index(entry.value(), type_count_)});
    }
    for (const auto& entry : object.at("functions").as_object())
      interface.functions.push_back(function(entry.value().as_object()));
    if (object.at("package").is_number())
      interface.package = index(object.at("package"), package_count_);
    interface.docs = docsOf(object);
    document_.interfaces.push_back(std::move(interface));
  }

  std::vector<WorldItem> worldItems(const json::object& object) {
    std::vector<WorldItem> items;
    for (const auto& entry : object) {
      WorldItem item{.key = std::string(entry.key()), .item = InterfaceIndex{}};
      const auto& member = *entry.value().as_object().begin();
      if (member.key() == "interface") {
        item.item = InterfaceIndex{index(member.value().at("id"), interface_count_)};
      } else if (member.key() == "function") {
        item.item = function(member.value().as_object());
      } else if (member.key() == "type") {
        item.item = TypeIndex{index(worldType(member.value()), type_count_)};
      } else {
        wrong("there is no kind of world item \"" + std::string(member.key()) + "\"");
      }
      items.push_back(std::move(item));
    }
    return items;
  }
  static const json::value& worldType(const json::value& value) {
    return value.is_object() ? value.at("id") : value;
  }

  void readWorld(const json::object& object) {
    document_.worlds.push_back({.name = text(object.at("name")),
                                .imports = worldItems(object.at("imports").as_object()),
                                .exports = worldItems(object.at("exports").as_object()),
                                .package = index(object.at("package"), package_count_),
                                .docs = docsOf(object)});
  }

  void readPackage(const json::object& object) {
    Package package;
    package.name = text(object.at("name"));
    package.docs = docsOf(object);
    for (const auto& entry : object.at("interfaces").as_object()) {
      package.interfaces.emplace_back(std::string(entry.key()),
                                      InterfaceIndex{index(entry.value(), interface_count_)});
    }
    for (const auto& entry : object.at("worlds").as_object()) {
      package.worlds.emplace_back(std::string(entry.key()),
                                  WorldIndex{index(entry.value(), world_count_)});
    }
    document_.packages.push_back(std::move(package));
  }

  const json::object& root_;
  Document document_;
  std::size_t interface_count_ = 0;
  std::size_t world_count_ = 0;
  std::size_t type_count_ = 0;
  std::size_t package_count_ = 0;
  std::size_t type_limit_ = 0;       // types that may be referred to now
  std::size_t depth_ = 0;            // of what the type that is being read consists of
  std::vector<std::size_t> depths_;  // of the types
};

}  // namespace

Result<Document> readDocument(std::string_view text) {
  try {
    const json::value root = json::parse(text);
    return Reader(root.as_object()).read();
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::string("the WIT document is wrong: ") + error.what());
  }
}

}  // namespace nimbus::wit
