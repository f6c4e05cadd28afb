#include "host/admin/admin_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <ctime>

#include <fmt/format.h>

#include "base/code_point.h"

namespace nimbus::host {
namespace {

namespace json = boost::json;

// Names of files, and messages with them, may hold bytes that JSON cannot.
std::string textOf(const json::value& value) { return asUtf8(json::serialize(value)); }

json::value text(std::string_view value) { return json::string(value.data(), value.size()); }

json::array linksJson(const std::vector<LinkStatus>& links) {
  json::array list;
  for (const LinkStatus& link : links)
    list.push_back(json::object{{"import", link.import_name},
                                {"component", link.component},
                                {"how", link.how},
                                {"reason", link.reason}});
  return list;
}

json::array bindingsJson(const std::vector<BindingStatus>& bindings) {
  json::array list;
  for (const BindingStatus& binding : bindings) {
    json::object one{
        {"id", binding.id}, {"provider", binding.provider}, {"generation", binding.generation}};
    if (!binding.problem.empty()) one["problem"] = binding.problem;
    list.push_back(std::move(one));
  }
  return list;
}

json::object componentJson(const ComponentStatus& component) {
  return {{"name", component.name},
          {"digest", component.digest},
          {"kind", component.kind},
          {"links", linksJson(component.links)},
          {"instances", component.instances},
          {"callsInFlight", component.calls_in_flight},
          {"callsQueued", component.calls_queued},
          {"callsTotal", component.calls_total},
          {"failuresTotal", component.failures_total},
          {"bindings", bindingsJson(component.bindings)}};
}

json::array componentsJson(const std::vector<ComponentStatus>& components) {
  json::array list;
  for (const ComponentStatus& component : components) list.push_back(componentJson(component));
  return list;
}

json::object serviceJson(const ServiceStatus& service) {
  const ServiceProgress& progress = service.progress;
  json::object object = componentJson(service.component);
  object["state"] = text(serviceStateName(progress.state));
  object["reason"] = progress.reason;
  object["restarts"] = progress.restarts;
  object["since"] = formatTime(progress.since);
  if (progress.next_start) object["nextStart"] = formatTime(*progress.next_start);
  return object;
}

}  // namespace

std::string formatTime(std::chrono::system_clock::time_point time) {
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     milliseconds % 1000);
}

std::string statusJson(const WorkloadStatus& status, StatusDetail detail) {
  json::object object{{"namespace", status.spec->namespace_name},
                      {"name", status.spec->name},
                      {"owner", text(ownerName(status.owner))},
                      {"state", text(stateName(status.state))},
                      {"generation", status.generation},
                      {"observedGeneration", status.observed_generation},
                      {"servingGeneration", status.serving_generation},
                      {"reason", status.reason},
                      {"changedAt", formatTime(status.changed_at)}};
  if (status.retry_at) object["retryAt"] = formatTime(*status.retry_at);
  if (!status.source.empty()) object["source"] = status.source;
  if (detail == StatusDetail::kWhole) {
    object["components"] = componentsJson(status.components);
    if (status.service) object["service"] = serviceJson(*status.service);
    object["manifest"] = json::parse(asUtf8(toJson(*status.spec)));
  }
  return textOf(object);
}

std::string eventJson(const HostEvent& event) {
  json::object object{{"sequence", event.sequence},
                      {"time", formatTime(event.time)},
                      {"kind", text(eventKindName(event.kind))}};
  if (!event.workload.empty()) object["workload"] = event.workload;
  if (event.generation != 0) object["generation"] = event.generation;
  if (!event.message.empty()) object["message"] = event.message;
  return textOf(object);
}

std::string hostJson(const HostFacts& facts) {
  json::array problems;
  for (const FolderProblem& problem : facts.problems)
    problems.push_back(json::object{{"file", problem.file}, {"message", problem.message}});
  const WorkloadManager::Counts& counts = facts.counts;
  return textOf(json::object{{"version", text(facts.version)},
                             {"epoch", text(facts.epoch)},
                             {"phase", text(phaseName(facts.phase))},
                             {"uptimeSeconds", facts.uptime.count()},
                             {"durable", facts.durable},
                             {"workloads", json::object{{"starting", counts.starting},
                                                        {"running", counts.running},
                                                        {"stopping", counts.stopping},
                                                        {"error", counts.error}}},
                             {"problems", std::move(problems)}});
}

std::string errorJson(ErrorCode code, std::string_view message) {
  return textOf(json::object{
      {"error", json::object{{"code", text(errorCodeName(code))}, {"message", text(message)}}}});
}

}  // namespace nimbus::host
