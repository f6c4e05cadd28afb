#include <fmt/format.h>

#include "bindgen/cpp/header.h"
#include "bindgen/cpp/names.h"
#include "bindgen/cpp/text_writer.h"
#include "wit/type_facts.h"

namespace nimbus::bindgen::cpp {

namespace {

class SourceWriter {
 public:
  SourceWriter(const Unit& unit, const Scope& scope, const Scope::Place& place,
               const std::vector<CppFunction>& functions)
      : unit_(unit),
        scope_(scope),
        document_(scope.document()),
        place_(place),
        functions_(functions),
        resources_(resources(unit, scope)),
        facts_(scope.document()) {}

  std::string write() {
    out_.line(generatedMark(unit_));
    out_.line(fmt::format("#include \"{}.h\"", place_.path));
    out_.line();
    out_.line("#include \"wrpc/service_call.h\"");
    out_.line();
    if (!functions_.empty() || !resources_.empty()) writeInterface();
    writeCodecs();
    return std::move(out_).take();
  }

 private:
  void writeInterface() {
    out_.line(fmt::format("namespace {} {{", place_.name_space));
    out_.line("namespace {");
    out_.line();
    writeNames();
    for (const CppFunction& function : functions_) writeServe(function);
    for (const wit::TypeIndex type : resources_) writeProxy(type);
    out_.line("}  // namespace");
    out_.line();
    for (const wit::TypeIndex type : resources_) {
      const std::string name = scope_.localName(type);
      out_.line(fmt::format("const wrpc::ResourceType {0}::kType = {{\"{1}\", &make{0}Proxy}};",
                            name, *document_.at(type).name));
      out_.line();
    }
    writeServeAll();
    writeClient();
    out_.line(fmt::format("}}  // namespace {}", place_.name_space));
    out_.line();
  }

  void writeNames() {
    if (functions_.empty()) {
      out_.line(fmt::format("constexpr wrpc::ClientInterface kInterface = {{\"{}\", {{}}}};",
                            unit_.instance));
      out_.line();
      return;
    }
    out_.line("constexpr std::string_view kFunctionNames[] = {");
    for (const CppFunction& function : functions_)
      out_.line(fmt::format("    \"{}\",", function.wire_name));
    out_.line("};");
    out_.line(
        fmt::format("constexpr wrpc::ClientInterface kInterface = {{\"{}\", kFunctionNames}};",
                    unit_.instance));
    out_.line();
    out_.line("// Positions in kFunctionNames.");
    out_.line("enum FunctionNumber : std::size_t {");
    out_.indent();
    for (const CppFunction& function : functions_)
      out_.line(fmt::format("k{}Function,", function.tag));
    out_.outdent();
    out_.line("};");
    out_.line();
  }

  // Reads the parameters, calls the handler, answers.
  void writeServe(const CppFunction& function) {
    const bool method = function.method_of.has_value();
    out_.call(fmt::format("void serve{}", function.tag),
              {method ? "void* /*handler*/" : "void* handler", "wrpc::ServiceCall& call"}, " {");
    out_.indent();
    std::size_t position = 0;
    std::vector<std::string> arguments = {"call.context()"};
    if (method) {
      out_.line(fmt::format("const auto self = call.read<wrpc::Borrow<{}>>(0);",
                            scope_.localName(*function.method_of)));
      ++position;
    }
    for (const CppFunction::Param& param : function.params) {
      const std::string type = param.type == "std::string_view" ? param.type : param.value_type;
      out_.line(fmt::format("{} {} = call.read<{}>({});", param.moved ? "auto" : "const auto",
                            param.name, type, position++));
      arguments.push_back(param.borrowed ? "*" + param.name
                          : param.moved  ? "std::move(" + param.name + ")"
                                         : param.name);
    }
    out_.line("if (!call.readAll()) return;");
    const std::string object = method ? "self" : "static_cast<Handler*>(handler)";
    out_.call(fmt::format("call.answer({}->{}", object, function.name), arguments, ");");
    out_.outdent();
    out_.line("}");
    out_.line();
  }

  // Writes the parameters and calls.
  void writeCall(const CppFunction& function, std::size_t position) {
    for (const CppFunction::Param& param : function.params) {
      if (param.borrowed) {
        out_.line(fmt::format("wrpc::encodeBorrow(out, {});", param.name));
        ++position;
      } else {
        out_.line(fmt::format("wrpc::encodeAt(out, {}, {});", position++, param.name));
      }
    }
  }

  void writeProxy(wit::TypeIndex index) {
    const std::string name = scope_.localName(index);
    out_.line(fmt::format("class {0}Proxy final : public wrpc::Proxy<{0}> {{", name));
    out_.line(" public:");
    out_.indent();
    out_.line("using Proxy::Proxy;");
    for (const CppFunction& function : functions_) {
      if (function.method_of != index) continue;
      out_.line();
      out_.call(fmt::format("wrpc::Answer<{}> {}", function.result, function.name),
                function.declaredParams(), " override {");
      out_.indent();
      out_.line("wrpc::Encoder out = remote_.parameters();");
      writeCall(function, 1);
      out_.call(fmt::format("return remote_.call<{}>", function.result),
                {"context", fmt::format("k{}Function", function.tag), "std::move(out)"}, ";");
      out_.outdent();
      out_.line("}");
    }
    out_.outdent();
    out_.line("};");
    out_.line();
    out_.call(fmt::format("::nimbus::Result<std::unique_ptr<wrpc::Resource>> make{}Proxy", name),
              {"wrpc::ClientSpace& space", "wrpc::RemoteHandle handle"}, " {");
    out_.indent();
    out_.line("TRY(const auto functions, space.resolve(kInterface));");
    out_.call(fmt::format("return std::make_unique<{}Proxy>", name),
              {"space.shared_from_this()", "functions", "std::move(handle)"}, ";");
    out_.outdent();
    out_.line("}");
    out_.line();
  }

  void writeServed(const CppFunction& function) {
    std::vector<std::string> types;
    if (function.method_of)
      types.push_back(fmt::format("wrpc::Borrow<{}>", scope_.localName(*function.method_of)));
    for (const CppFunction::Param& param : function.params) types.push_back(param.value_type);
    out_.line(fmt::format("    {{kFunctionNames[k{0}Function], &serve{0},", function.tag));
    out_.line(fmt::format("     wrpc::kTupleFacts<{}>}},", fmt::join(types, ", ")));
  }

  void writeServeAll() {
    out_.line("wrpc::Interface serve(std::shared_ptr<Handler> handler) {");
    out_.indent();
    if (functions_.empty()) {
      out_.line("return {kInterface.instance, {}, std::move(handler)};");
    } else {
      out_.line("static constexpr wrpc::InterfaceFunction kFunctions[] = {");
      for (const CppFunction& function : functions_) writeServed(function);
      out_.line("};");
      out_.line("return {kInterface.instance, kFunctions, std::move(handler)};");
    }
    out_.outdent();
    out_.line("}");
    out_.line();
  }

  void writeClient() {
    out_.line("Client::Client(std::shared_ptr<wrpc::ClientSpace> space,");
    out_.line("               std::span<const wrpc::FunctionId> functions)");
    out_.line("    : space_(std::move(space)), functions_(functions) {}");
    out_.line();
    out_.call("::nimbus::Result<std::unique_ptr<Client>> Client::connect",
              {"wrpc::Invoker& invoker", "wrpc::Session& session"}, " {");
    out_.line("  return connect(std::make_shared<wrpc::ClientSpace>(invoker, session));");
    out_.line("}");
    out_.line();
    out_.call("::nimbus::Result<std::unique_ptr<Client>> Client::connect",
              {"std::shared_ptr<wrpc::ClientSpace> space"}, " {");
    out_.line("  TRY(const auto functions, space->resolve(kInterface));");
    out_.line("  return std::unique_ptr<Client>(new Client(std::move(space), functions));");
    out_.line("}");
    out_.line();
    for (const CppFunction& function : functions_) {
      if (function.method_of) continue;
      out_.call(fmt::format("wrpc::Answer<{}> Client::{}", function.result, function.name),
                function.declaredParams(), " {");
      out_.indent();
      out_.line("wrpc::Encoder out(space_.get());");
      writeCall(function, 0);
      out_.call(fmt::format("return space_->call<{}>", function.result),
                {"context", fmt::format("functions_[k{}Function]", function.tag), "std::move(out)"},
                ";");
      out_.outdent();
      out_.line("}");
      out_.line();
    }
  }

  void writeCodecs() {
    const std::vector<wit::TypeIndex> types = valueTypes(unit_, scope_);
    if (types.empty()) return;
    out_.line("namespace nimbus::wrpc {");
    for (const wit::TypeIndex type : types) {
      out_.line();
      writeEncode(type);
      out_.line();
      writeDecode(type);
    }
    out_.line();
    out_.line("}  // namespace nimbus::wrpc");
  }

  // The name of `value` is left out where it would not be used.
  void writeEncode(wit::TypeIndex index) {
    const wit::TypeKind& kind = document_.at(index).kind;
    const std::string name = scope_.fullName(index);
    const wit::TypeFacts& facts = facts_.of(index);
    const auto* record = std::get_if<wit::Record>(&kind);
    const bool empty = record != nullptr && record->fields.empty();
    const std::string constness = facts.handles || facts.pending ? "" : "const ";
    out_.call(fmt::format("void Codec<{}>::encode", name),
              {empty ? "Encoder& /*out*/" : "Encoder& out",
               fmt::format("{}{}& {}", constness, name, empty ? "/*value*/" : "value")},
              " {");
    out_.indent();
    if (record != nullptr) {
      std::size_t position = 0;
      for (const wit::Field& field : record->fields)
        out_.line(
            fmt::format("encodeAt(out, {}, value.{});", position++, variableName(field.name)));
    } else if (const auto* variant = std::get_if<wit::Variant>(&kind)) {
      encodeVariant(*variant);
    } else if (const auto* flags = std::get_if<wit::Flags>(&kind)) {
      encodeFlags(*flags);
    } else {
      out_.line("out.unsignedNumber(static_cast<std::uint32_t>(value));");
    }
    out_.outdent();
    out_.line("}");
  }

  void encodeVariant(const wit::Variant& variant) {
    out_.line("out.unsignedNumber(value.value.index());");
    out_.line("switch (value.value.index()) {");
    out_.indent();
    for (std::size_t i = 0; i < variant.cases.size(); ++i) {
      if (!variant.cases[i].type) continue;
      out_.line(
          fmt::format("case {0}: return encodeValue(out, std::get<{0}>(value.value).value);", i));
    }
    out_.line("default: return;");
    out_.outdent();
    out_.line("}");
  }

  void encodeFlags(const wit::Flags& flags) {
    out_.line(fmt::format("std::uint8_t bits[{}] = {{}};", (flags.labels.size() + 7) / 8));
    for (std::size_t i = 0; i < flags.labels.size(); ++i)
      out_.line(fmt::format("if (value.{}) bits[{}] |= {:#x};", variableName(flags.labels[i].name),
                            i / 8, 1U << (i % 8)));
    out_.line("out.encoded(ByteView(bits));");
  }

  void writeDecode(wit::TypeIndex index) {
    const wit::TypeKind& kind = document_.at(index).kind;
    const std::string name = scope_.fullName(index);
    const auto* record = std::get_if<wit::Record>(&kind);
    const bool empty = record != nullptr && record->fields.empty();
    out_.line(
        fmt::format("{0} Codec<{0}>::decode(Decoder& {1}) {{", name, empty ? "/*in*/" : "in"));
    out_.indent();
    if (empty) {
      out_.line("return {};");
    } else if (record != nullptr) {
      out_.line(name + " value;");
      std::size_t position = 0;
      for (const wit::Field& field : record->fields)
        out_.line(
            fmt::format("decodeInto(in, {}, value.{});", position++, variableName(field.name)));
      out_.line("return value;");
    } else if (const auto* variant = std::get_if<wit::Variant>(&kind)) {
      decodeVariant(index, *variant);
    } else if (const auto* flags = std::get_if<wit::Flags>(&kind)) {
      decodeFlags(name, *flags);
    } else {
      out_.line(fmt::format("return static_cast<{}>(in.caseNumber({}));", name,
                            std::get<wit::Enum>(kind).cases.size()));
    }
    out_.outdent();
    out_.line("}");
  }

  void decodeVariant(wit::TypeIndex index, const wit::Variant& variant) {
    const std::string name = scope_.fullName(index);
    out_.line(fmt::format("using V = {};", name));
    out_.line(fmt::format("switch (in.caseNumber({})) {{", variant.cases.size()));
    out_.indent();
    for (std::size_t i = 0; i < variant.cases.size(); ++i) {
      const wit::Case& one = variant.cases[i];
      const std::string case_name = caseName(scope_.localName(index), one);
      const std::string label =
          i + 1 < variant.cases.size() ? fmt::format("case {}", i) : "default";
      const std::string payload =
          one.type ? fmt::format("decodeValue<decltype(V::{}::value)>(in)", case_name) : "";
      out_.line(fmt::format("{}: return {{V::{}{{{}}}}};", label, case_name, payload));
    }
    out_.outdent();
    out_.line("}");
  }

  void decodeFlags(const std::string& name, const wit::Flags& flags) {
    out_.line(fmt::format("std::uint8_t bits[{}] = {{}};", (flags.labels.size() + 7) / 8));
    out_.line(fmt::format("in.flags({}, bits);", flags.labels.size()));
    out_.line(name + " value;");
    for (std::size_t i = 0; i < flags.labels.size(); ++i)
      out_.line(fmt::format("value.{} = (bits[{}] & {:#x}) != 0;",
                            variableName(flags.labels[i].name), i / 8, 1U << (i % 8)));
    out_.line("return value;");
  }

  const Unit& unit_;
  const Scope& scope_;
  const wit::Document& document_;
  const Scope::Place& place_;
  const std::vector<CppFunction>& functions_;
  std::vector<wit::TypeIndex> resources_;
  wit::TypeFactBook facts_;
  TextWriter out_;
};

}  // namespace

std::string source(const Unit& unit, const Scope& scope, const Scope::Place& place,
                   const std::vector<CppFunction>& functions) {
  return SourceWriter(unit, scope, place, functions).write();
}

}  // namespace nimbus::bindgen::cpp
