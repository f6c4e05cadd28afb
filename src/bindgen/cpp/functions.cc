#include "bindgen/cpp/functions.h"

#include <map>

#include <fmt/format.h>

#include "bindgen/cpp/names.h"

namespace nimbus::bindgen::cpp {

namespace {

// What stands behind "[method]r." and its like.
std::string lastName(const std::string& wire_name) {
  const std::size_t dot = wire_name.find('.');
  return dot == std::string::npos ? wire_name : wire_name.substr(dot + 1);
}

CppFunction::Param param(const wit::Field& field, const Scope& scope, std::string_view inside) {
  CppFunction::Param param;
  param.name = variableName(field.name);
  param.type = scope.parameter(field.type, inside);
  param.value_type = scope.value(field.type, inside);
  param.borrowed = param.type.ends_with('&');
  const wit::TypeRef behind = scope.document().resolve(field.type);
  if (const auto* index = std::get_if<wit::TypeIndex>(&behind); index != nullptr && !param.borrowed)
    param.moved = !std::holds_alternative<wit::Enum>(scope.document().at(*index).kind) &&
                  !std::holds_alternative<wit::Flags>(scope.document().at(*index).kind);
  return param;
}

std::string plainName(const wit::Function& function, const std::string& wire_name) {
  if (function.kind == wit::FunctionKind::kConstructor) return functionName("new-" + wire_name);
  std::string joined = wire_name;
  for (char& c : joined) {
    if (c == '.') c = '-';
  }
  return functionName(joined);
}

}  // namespace

std::vector<std::string> CppFunction::declaredParams() const {
  std::vector<std::string> declared = {"const wrpc::CallContext& context"};
  for (const Param& param : params) declared.push_back(param.type + " " + param.name);
  return declared;
}

std::vector<CppFunction> functionsOf(const Unit& unit, const Scope& scope,
                                     std::string_view name_space) {
  std::vector<CppFunction> functions;
  NameSet tags;
  NameSet names;
  for (const wit::Function* wit : unit.functions) {
    CppFunction function;
    function.wit = wit;
    function.wire_name = wit::wireName(*wit);
    std::size_t first_param = 0;
    if (wit->kind == wit::FunctionKind::kMethod) {
      function.method_of = wit->resource;
      function.name = functionName(lastName(function.wire_name));
      first_param = 1;
    } else {
      function.name = names.unique(plainName(*wit, function.wire_name));
    }
    std::string tag = constantName(lastName(function.wire_name)).substr(1);
    if (wit->resource && wit->kind != wit::FunctionKind::kConstructor)
      tag = scope.localName(*wit->resource) + tag;
    if (wit->kind == wit::FunctionKind::kConstructor) tag = "New" + tag;
    function.tag = tags.unique(std::move(tag));
    for (std::size_t i = first_param; i < wit->params.size(); ++i)
      function.params.push_back(param(wit->params[i], scope, name_space));
    function.result = scope.result(wit->result, name_space);
    functions.push_back(std::move(function));
  }
  return functions;
}

}  // namespace nimbus::bindgen::cpp
