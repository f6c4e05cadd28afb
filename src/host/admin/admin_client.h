#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "host/admin/admin_event_parser.h"
#include "net/address.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::host {

// A workload as the administration API describes it.
struct WorkloadView {
  std::string namespace_name;
  std::string name;
  std::string owner;  // "api", "folder"
  std::string state;  // "Running", …
  std::uint64_t generation = 0;
  std::uint64_t observed_generation = 0;
  std::uint64_t serving_generation = 0;
  std::string reason;
  std::string retry_at;  // "": it is not tried again
  std::string changed_at;
  std::string source;
  std::string service;                // "service watch: Running, 2 restarts"; "": there is none
  std::vector<std::string> links;     // "web: acme:shop/prices@1.0.0 -> prices, composed: why"
  std::vector<std::string> bindings;  // "team/shop/web/wasi:keyvalue bound to tcp:…, generation 2"
  std::string json;                   // the whole of it, for output as it came
};

// Speaks to the administration API of a running host, over its Unix socket or over TCP with a
// bearer token; one connection per call. The host's errors come back with their code and message;
// a host that cannot be reached is kUnavailable, one that keeps silent for longer than `patience`
// kDeadlineExceeded. What takes a while by its nature, apply(), remove() and events(), may: a host
// that is silent there is asked whether it answers at all.
class AdminClient {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(30);

  AdminClient(net::Shard& shard, net::Endpoint host, std::optional<std::string> token = {},
              Duration patience = kPatience)
      : shard_(shard), host_(std::move(host)), token_(std::move(token)), patience_(patience) {}

  enum class Wait { kForOutcome, kNo };
  // `manifest` is YAML or JSON in which files have absolute paths.
  [[nodiscard]] Task<Result<WorkloadView>> apply(std::string manifest, Wait wait);
  // Of one namespace, or of all if it is empty.
  [[nodiscard]] Task<Result<std::vector<WorkloadView>>> list(std::string namespace_name);
  [[nodiscard]] Task<Result<WorkloadView>> get(std::string namespace_name, std::string name);
  [[nodiscard]] Task<Result<void>> remove(std::string namespace_name, std::string name);
  [[nodiscard]] Task<Result<void>> drain();
  // The host's description as JSON; the metrics as Prometheus text.
  [[nodiscard]] Task<Result<std::string>> host();
  [[nodiscard]] Task<Result<std::string>> metrics();

  struct EventQuery {
    std::string workload;       // id, or empty for all
    bool follow = true;         // false: only what the host remembers
    std::string last_event_id;  // go on after this one
  };
  // Calls `each` for every event until the host ends the stream. To go on after a lost
  // connection, ask again with the id of the last event.
  [[nodiscard]] Task<Result<void>> events(EventQuery query,
                                          std::function<void(const AdminEvent&)> each);

 private:
  struct Request {
    std::string_view method;
    std::string target;
    std::string body;
    std::string last_event_id;
    bool takes_a_while = false;
  };
  class AnswerReader;
  // Passes the content of a good answer on, piece by piece.
  Task<Result<void>> exchange(Request request,
                              std::function<Result<void>(std::string_view)> content);
  Task<Result<std::string>> call(Request request);
  Task<Result<void>> hearSilence(bool takes_a_while);
  // Of a host that kept silent while something was to be done.
  [[nodiscard]] Error silent(std::string_view what) const;
  [[nodiscard]] std::string requestText(const Request& request) const;

  net::Shard& shard_;
  net::Endpoint host_;
  std::optional<std::string> token_;
  Duration patience_;
};

// Reads what the API answers; kProtocol if it is not that.
[[nodiscard]] Result<WorkloadView> parseWorkloadView(std::string_view json);
[[nodiscard]] Result<std::vector<WorkloadView>> parseWorkloadList(std::string_view json);
// What keeps manifests of the workloads folder from being used, as GET /v1/host tells it.
struct ProblemsView {
  std::vector<std::string> lines;  // "a.yaml: line 3: …", or about the folder; escaped
  std::string json;                // the list as it came
};
[[nodiscard]] Result<ProblemsView> parseHostProblems(std::string_view json);
// A workload for people: a line, and one more for each detail, behind two spaces. What the host
// says is escaped, so that none of it looks like another line; so it is with events and problems.
[[nodiscard]] std::string describeWorkload(const WorkloadView& view);
// An event as one line for people: "2025-01-31T23:59:59.123Z  failed  team/shop  generation 3:
// why".
[[nodiscard]] std::string describeEvent(const AdminEvent& event);
// What the host says of an event as one line of JSON; a string if it is no JSON.
[[nodiscard]] std::string eventLine(const AdminEvent& event);
// The error that a body of the form {"error":{…}} describes.
[[nodiscard]] Error parseAdminError(std::uint16_t status, std::string_view json);

}  // namespace nimbus::host
