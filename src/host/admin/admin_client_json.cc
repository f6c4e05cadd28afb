#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/admin/admin_call.h"
#include "host/admin/admin_client.h"

namespace nimbus::host {
namespace {

namespace json = boost::json;

std::optional<json::value> parse(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

std::string textOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t numberOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() && value->get_int64() > 0
             ? static_cast<std::uint64_t>(value->get_int64())
             : 0;
}

std::unexpected<Error> notAWorkload() {
  return fail(ErrorCode::kProtocol, "the host answered with something else than a workload");
}

const json::array* listOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  return value == nullptr ? nullptr : value->if_array();
}

const json::object* serviceOf(const json::object& workload) {
  const json::value* service = workload.if_contains("service");
  return service == nullptr ? nullptr : service->if_object();
}

// Each of the components, and the service.
std::vector<const json::object*> membersOf(const json::object& workload) {
  std::vector<const json::object*> members;
  const json::array none;
  const json::array* components = listOf(workload, "components");
  for (const json::value& component : components != nullptr ? *components : none)
    if (component.is_object()) members.push_back(&component.get_object());
  if (const json::object* service = serviceOf(workload)) members.push_back(service);
  return members;
}

std::string serviceLine(const json::object& workload) {
  const json::object* service = serviceOf(workload);
  if (service == nullptr) return {};
  std::string line =
      fmt::format("service {}: {}", textOf(*service, "name"), textOf(*service, "state"));
  if (const std::string since = textOf(*service, "since"); !since.empty())
    line += " since " + since;
  if (const std::uint64_t restarts = numberOf(*service, "restarts"); restarts != 0)
    line += fmt::format(", {} {}", restarts, restarts == 1 ? "restart" : "restarts");
  if (const std::string reason = textOf(*service, "reason"); !reason.empty()) line += ": " + reason;
  return line;
}

std::vector<std::string> linksOf(const json::object& workload) {
  std::vector<std::string> lines;
  const json::array none;
  for (const json::object* component : membersOf(workload)) {
    const json::array* links = listOf(*component, "links");
    for (const json::value& link : links != nullptr ? *links : none) {
      const json::object* object = link.if_object();
      if (object == nullptr) continue;
      lines.push_back(fmt::format("{}: {} -> {}, {}: {}", textOf(*component, "name"),
                                  textOf(*object, "import"), textOf(*object, "component"),
                                  textOf(*object, "how"), textOf(*object, "reason")));
    }
  }
  return lines;
}

std::vector<std::string> bindingsOf(const json::object& workload) {
  std::vector<std::string> lines;
  const json::array none;
  for (const json::object* component : membersOf(workload)) {
    const json::array* bindings = listOf(*component, "bindings");
    for (const json::value& binding : bindings != nullptr ? *bindings : none) {
      const json::object* object = binding.if_object();
      if (object == nullptr) continue;
      lines.push_back(fmt::format("{} bound to {}, generation {}", textOf(*object, "id"),
                                  textOf(*object, "provider"), numberOf(*object, "generation")));
      if (const std::string problem = textOf(*object, "problem"); !problem.empty())
        lines.back() += ": " + problem;
    }
  }
  return lines;
}

Result<WorkloadView> viewOf(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return notAWorkload();
  WorkloadView view;
  view.namespace_name = textOf(*object, "namespace");
  view.name = textOf(*object, "name");
  view.owner = textOf(*object, "owner");
  view.state = textOf(*object, "state");
  view.generation = numberOf(*object, "generation");
  view.observed_generation = numberOf(*object, "observedGeneration");
  view.serving_generation = numberOf(*object, "servingGeneration");
  view.reason = textOf(*object, "reason");
  view.retry_at = textOf(*object, "retryAt");
  view.changed_at = textOf(*object, "changedAt");
  view.source = textOf(*object, "source");
  view.service = serviceLine(*object);
  view.links = linksOf(*object);
  view.bindings = bindingsOf(*object);
  view.json = json::serialize(value);
  if (view.name.empty() || view.state.empty()) return notAWorkload();
  return view;
}

}  // namespace

Result<WorkloadView> parseWorkloadView(std::string_view text) {
  const auto value = parse(text);
  if (!value) return notAWorkload();
  return viewOf(*value);
}

Result<std::vector<WorkloadView>> parseWorkloadList(std::string_view text) {
  const auto value = parse(text);
  const json::object* object = value ? value->if_object() : nullptr;
  const json::value* list = object == nullptr ? nullptr : object->if_contains("workloads");
  if (list == nullptr || !list->is_array()) return notAWorkload();
  std::vector<WorkloadView> all;
  for (const json::value& item : list->get_array()) {
    TRY(WorkloadView view, viewOf(item));
    all.push_back(std::move(view));
  }
  return all;
}

Result<ProblemsView> parseHostProblems(std::string_view text) {
  const auto value = parse(text);
  const json::object* object = value ? value->if_object() : nullptr;
  const json::array* list = object == nullptr ? nullptr : listOf(*object, "problems");
  if (list == nullptr)
    return fail(ErrorCode::kProtocol, "the host answered with something else than its state");
  ProblemsView view{.lines = {}, .json = json::serialize(*list)};
  for (const json::value& item : *list)
    if (const json::object* problem = item.if_object())
      view.lines.push_back(escaped(textOf(*problem, "message")));
  return view;
}

std::string describeWorkload(const WorkloadView& view) {
  std::string text =
      escaped(fmt::format("{}/{}  {}  generation {} (observed {}, serving {})  owner {}",
                          view.namespace_name, view.name, view.state, view.generation,
                          view.observed_generation, view.serving_generation, view.owner));
  const auto add = [&text](std::string_view before, std::string_view detail) {
    if (detail.empty()) return;
    text += "\n  ";
    text += before;
    appendEscaped(text, detail);
  };
  add("", view.reason);
  add("tried again at ", view.retry_at);
  add("", view.service);
  for (const std::string& link : view.links) add("", link);
  for (const std::string& binding : view.bindings) add("", binding);
  return text;
}

std::string describeEvent(const AdminEvent& event) {
  const auto value = parse(event.data);
  const json::object* object = value ? value->if_object() : nullptr;
  if (object == nullptr) return escaped(event.kind + "  " + event.data);
  std::string line;
  const auto add = [&line](std::string_view text, std::string_view before) {
    if (text.empty()) return;
    if (!line.empty()) line += before;
    appendEscaped(line, text);
  };
  add(textOf(*object, "time"), "");
  add(event.kind, "  ");
  add(textOf(*object, "workload"), "  ");
  if (const std::uint64_t generation = numberOf(*object, "generation"); generation != 0)
    add(fmt::format("generation {}", generation), "  ");
  add(textOf(*object, "message"), ": ");
  add(textOf(*object, "reason"), ": ");  // of events that were missed
  if (const std::uint64_t count = numberOf(*object, "count"); count != 0)
    add(fmt::format("{} events", count), ": ");
  return line;
}

std::string eventLine(const AdminEvent& event) {
  if (const auto value = parse(event.data)) return json::serialize(*value);
  std::string line;
  appendJsonString(line, event.data);
  return line;
}

Error parseAdminError(std::uint16_t status, std::string_view text) {
  const auto value = parse(text);
  const json::object* object = value ? value->if_object() : nullptr;
  const json::value* error = object == nullptr ? nullptr : object->if_contains("error");
  if (error == nullptr || !error->is_object())
    return Error(ErrorCode::kProtocol, fmt::format("the host answered with status {}", status));
  const json::object& details = error->get_object();
  return Error(errorCodeOf(textOf(details, "code")), textOf(details, "message"));
}

}  // namespace nimbus::host
