#include "bindgen/cpp/header.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "bindgen/cpp/names.h"
#include "bindgen/cpp/text_writer.h"
#include "wit/type_facts.h"

namespace nimbus::bindgen::cpp {

namespace {

class HeaderWriter {
 public:
  HeaderWriter(const Unit& unit, const Scope& scope, const Scope::Place& place,
               const std::vector<CppFunction>& functions)
      : unit_(unit),
        scope_(scope),
        document_(scope.document()),
        place_(place),
        functions_(functions),
        facts_(scope.document()) {}

  std::string write() {
    out_.line(generatedMark(unit_));
    out_.line("#pragma once");
    out_.line();
    writeIncludes();
    out_.comment(unit_.docs);
    out_.line(fmt::format("namespace {} {{", place_.name_space));
    out_.line();
    out_.line("namespace wrpc = ::nimbus::wrpc;");
    out_.line();
    const std::vector<wit::TypeIndex> resource_types = resources(unit_, scope_);
    for (const wit::TypeIndex type : resource_types)
      out_.line(fmt::format("class {};", scope_.localName(type)));
    if (!resource_types.empty()) out_.line();
    for (const wit::TypeIndex type : unit_.types) writeType(type);
    for (const wit::TypeIndex type : resource_types) writeResource(type);
    if (!functions_.empty() || !resource_types.empty()) writeHandlerAndClient();
    out_.line(fmt::format("}}  // namespace {}", place_.name_space));
    writeCodecs();
    return std::move(out_).take();
  }

 private:
  void writeIncludes() {
    for (const std::string_view name :
         {"cstdint", "expected", "memory", "optional", "span", "string", "string_view", "tuple",
          "utility", "variant", "vector"}) {
      out_.line(fmt::format("#include <{}>", name));
    }
    out_.line();
    std::set<std::string> includes = {"base/bytes.h",  "wrpc/client.h",  "wrpc/codec.h",
                                      "wrpc/future.h", "wrpc/service.h", "wrpc/stream.h"};
    for (const wit::TypeIndex type : unit_.types) {
      const auto* alias = std::get_if<wit::Alias>(&document_.at(type).kind);
      const auto* target = alias != nullptr ? std::get_if<wit::TypeIndex>(&alias->target) : nullptr;
      if (target != nullptr) addInclude(*target, includes);
    }
    if (unit_.kind == Unit::Kind::kWorldExports) addWorldInclude(includes);
    for (const std::string& path : includes) out_.line(fmt::format("#include \"{}\"", path));
    out_.line();
  }
  void addInclude(wit::TypeIndex type, std::set<std::string>& includes) const {
    const std::string path = scope_.pathOf(type);
    if (!path.empty() && path != place_.path) includes.insert(path + ".h");
  }
  // Exported functions use the types of the world.
  void addWorldInclude(std::set<std::string>& includes) const {
    const auto& world = document_.at(std::get<wit::WorldIndex>(unit_.owner));
    for (const wit::WorldItem& item : world.imports) {
      if (const auto* type = std::get_if<wit::TypeIndex>(&item.item)) addInclude(*type, includes);
    }
  }

  void writeType(wit::TypeIndex index) {
    const wit::Type& type = document_.at(index);
    if (std::holds_alternative<wit::ResourceType>(type.kind)) return;
    out_.comment(type.docs);
    if (const auto* record = std::get_if<wit::Record>(&type.kind)) {
      writeRecord(index, *record);
    } else if (const auto* variant = std::get_if<wit::Variant>(&type.kind)) {
      writeVariant(index, *variant);
    } else if (const auto* enumeration = std::get_if<wit::Enum>(&type.kind)) {
      writeEnum(index, *enumeration);
    } else if (const auto* flags = std::get_if<wit::Flags>(&type.kind)) {
      writeFlags(index, *flags);
    } else {
      writeAlias(index, type);
    }
    out_.line();
  }

  void writeAlias(wit::TypeIndex index, const wit::Type& type) {
    std::string target;
    if (const auto* alias = std::get_if<wit::Alias>(&type.kind)) {
      target = scope_.value(alias->target, place_.name_space);
    } else {
      target = scope_.unnamed(type.kind, place_.name_space);
    }
    out_.line(fmt::format("using {} = {};", scope_.localName(index), target));
  }

  [[nodiscard]] bool comparable(const wit::TypeRef& type) {
    return !facts_.of(type).pending && !facts_.of(type).handles;
  }
  void writeEquality(const std::string& name) {
    out_.line(fmt::format("friend bool operator==(const {}&, const {}&) = default;", name, name));
  }

  void writeRecord(wit::TypeIndex index, const wit::Record& record) {
    const std::string name = scope_.localName(index);
    out_.line(fmt::format("struct {} {{", name));
    out_.indent();
    for (const wit::Field& field : record.fields) {
      out_.comment(field.docs);
      out_.line(fmt::format("{} {}{};", scope_.value(field.type, place_.name_space),
                            variableName(field.name), initializer(field.type)));
    }
    if (comparable(index)) {
      if (!record.fields.empty()) out_.line();
      writeEquality(name);
    }
    out_.outdent();
    out_.line("};");
  }
  // Scalars have no value by themselves.
  [[nodiscard]] std::string_view initializer(const wit::TypeRef& type) const {
    const wit::TypeRef behind = document_.resolve(type);
    if (const auto* primitive = std::get_if<wit::Primitive>(&behind))
      return *primitive == wit::Primitive::kString ? "" : "{}";
    const wit::TypeKind& kind = document_.at(std::get<wit::TypeIndex>(behind)).kind;
    return std::holds_alternative<wit::Enum>(kind) ? "{}" : "";
  }

  void writeVariant(wit::TypeIndex index, const wit::Variant& variant) {
    const std::string name = scope_.localName(index);
    out_.line(fmt::format("struct {} {{", name));
    out_.indent();
    std::vector<std::string> cases;
    for (const wit::Case& one : variant.cases) {
      cases.push_back(caseName(name, one));
      writeCase(cases.back(), one);
    }
    out_.line();
    out_.variant(cases);
    if (comparable(index)) {
      out_.line();
      writeEquality(name);
    }
    out_.outdent();
    out_.line("};");
  }
  void writeCase(const std::string& name, const wit::Case& one) {
    out_.comment(one.docs);
    out_.line(fmt::format("struct {} {{", name));
    out_.indent();
    if (one.type) {
      out_.line(fmt::format("{} value{};", scope_.value(*one.type, ""), initializer(*one.type)));
    }
    if (!one.type || comparable(*one.type)) writeEquality(name);
    out_.outdent();
    out_.line("};");
  }

  void writeEnum(wit::TypeIndex index, const wit::Enum& enumeration) {
    const std::string_view width =
        enumeration.cases.size() <= 256 ? "std::uint8_t" : "std::uint32_t";
    out_.line(fmt::format("enum class {} : {} {{", scope_.localName(index), width));
    out_.indent();
    for (const wit::Label& label : enumeration.cases) {
      out_.comment(label.docs);
      out_.line(constantName(label.name) + ",");
    }
    out_.outdent();
    out_.line("};");
  }

  void writeFlags(wit::TypeIndex index, const wit::Flags& flags) {
    const std::string name = scope_.localName(index);
    out_.line(fmt::format("struct {} {{", name));
    out_.indent();
    for (const wit::Label& label : flags.labels) {
      out_.comment(label.docs);
      out_.line(fmt::format("bool {} : 1 = false;", variableName(label.name)));
    }
    out_.line();
    writeEquality(name);
    out_.outdent();
    out_.line("};");
  }

  void writeFunction(const CppFunction& function, std::string_view before, std::string_view after) {
    out_.comment(function.wit->docs);
    out_.call(fmt::format("{}wrpc::Answer<{}> {}", before, function.result, function.name),
              function.declaredParams(), after);
  }

  void writeResource(wit::TypeIndex index) {
    out_.comment(document_.at(index).docs);
    out_.line(fmt::format("class {} : public wrpc::Resource {{", scope_.localName(index)));
    out_.line(" public:");
    out_.indent();
    for (const CppFunction& function : functions_) {
      if (function.method_of != index) continue;
      writeFunction(function, "[[nodiscard]] virtual ", " = 0;");
    }
    out_.line();
    out_.line("static const wrpc::ResourceType kType;");
    out_.outdent();
    out_.line("};");
    out_.line();
  }

  void writeHandlerAndClient() {
    out_.line("// Implements the interface. Shared by all shards.");
    out_.line("class Handler {");
    out_.line(" public:");
    out_.indent();
    out_.line("Handler() = default;");
    out_.line("Handler(const Handler&) = delete;");
    out_.line("Handler& operator=(const Handler&) = delete;");
    out_.line("virtual ~Handler() = default;");
    for (const CppFunction& function : functions_) {
      if (function.method_of) continue;
      out_.line();
      writeFunction(function, "[[nodiscard]] virtual ", " = 0;");
    }
    out_.outdent();
    out_.line("};");
    out_.line();
    out_.line("// The handler as something that can be called.");
    out_.line("[[nodiscard]] wrpc::Interface serve(std::shared_ptr<Handler> handler);");
    out_.line();
    writeClient();
  }

  void writeClient() {
    out_.line("// Calls whoever serves the interface. The invoker and the session outlive it.");
    out_.line("class Client final : public Handler {");
    out_.line(" public:");
    out_.indent();
    out_.call("[[nodiscard]] static ::nimbus::Result<std::unique_ptr<Client>> connect",
              {"wrpc::Invoker& invoker", "wrpc::Session& session"}, ";");
    out_.line("// Shares what the session's other clients found out.");
    out_.call("[[nodiscard]] static ::nimbus::Result<std::unique_ptr<Client>> connect",
              {"std::shared_ptr<wrpc::ClientSpace> space"}, ";");
    for (const CppFunction& function : functions_) {
      if (function.method_of) continue;
      out_.line();
      out_.call(fmt::format("[[nodiscard]] wrpc::Answer<{}> {}", function.result, function.name),
                function.declaredParams(), " override;");
    }
    out_.outdent();
    out_.line();
    out_.line(" private:");
    out_.indent();
    out_.call(
        "Client",
        {"std::shared_ptr<wrpc::ClientSpace> space", "std::span<const wrpc::FunctionId> functions"},
        ";");
    out_.line();
    out_.line("std::shared_ptr<wrpc::ClientSpace> space_;");
    out_.line("std::span<const wrpc::FunctionId> functions_;");
    out_.outdent();
    out_.line("};");
    out_.line();
  }

  void writeCodecs() {
    const std::vector<wit::TypeIndex> types = valueTypes(unit_, scope_);
    if (types.empty()) return;
    out_.line();
    out_.line("namespace nimbus::wrpc {");
    for (const wit::TypeIndex type : types) {
      const std::string name = scope_.fullName(type);
      const wit::TypeFacts& facts = facts_.of(type);
      const bool moved = facts.handles || facts.pending;
      out_.line();
      out_.line("template <>");
      out_.line(fmt::format("struct Codec<{}> {{", name));
      out_.indent();
      out_.line(fmt::format("static constexpr std::size_t kMinBytes = {};", facts.min_bytes));
      out_.line(fmt::format("static constexpr bool kPending = {};", facts.pending));
      out_.call("static void encode",
                {"Encoder& out", fmt::format("{}{}& value", moved ? "" : "const ", name)}, ";");
      out_.line(fmt::format("static {} decode(Decoder& in);", name));
      out_.outdent();
      out_.line("};");
    }
    out_.line();
    out_.line("}  // namespace nimbus::wrpc");
  }

  const Unit& unit_;
  const Scope& scope_;
  const wit::Document& document_;
  const Scope::Place& place_;
  const std::vector<CppFunction>& functions_;
  wit::TypeFactBook facts_;
  TextWriter out_;
};

}  // namespace

std::string header(const Unit& unit, const Scope& scope, const Scope::Place& place,
                   const std::vector<CppFunction>& functions) {
  return HeaderWriter(unit, scope, place, functions).write();
}

std::string caseName(std::string_view variant, const wit::Case& one) {
  std::string name = typeName(one.name);
  if (name == variant) name += '_';  // a class cannot hold one of its own name
  return name;
}

std::string generatedMark(const Unit& unit) {
  const std::string from = unit.instance.empty() ? fmt::format("world {}:{}/{}", unit.package.space,
                                                               unit.package.name, unit.name)
                                                 : unit.instance;
  return fmt::format("// Generated by nimbus-bindgen from {}. Do not edit.", from);
}

std::vector<wit::TypeIndex> valueTypes(const Unit& unit, const Scope& scope) {
  std::vector<wit::TypeIndex> types;
  for (const wit::TypeIndex type : unit.types) {
    const wit::TypeKind& kind = scope.document().at(type).kind;
    if (std::holds_alternative<wit::Record>(kind) || std::holds_alternative<wit::Variant>(kind) ||
        std::holds_alternative<wit::Enum>(kind) || std::holds_alternative<wit::Flags>(kind))
      types.push_back(type);
  }
  return types;
}

std::vector<wit::TypeIndex> resources(const Unit& unit, const Scope& scope) {
  std::vector<wit::TypeIndex> types;
  for (const wit::TypeIndex type : unit.types) {
    if (std::holds_alternative<wit::ResourceType>(scope.document().at(type).kind))
      types.push_back(type);
  }
  return types;
}

}  // namespace nimbus::bindgen::cpp
