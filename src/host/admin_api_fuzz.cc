// What the administration API and its client take from outside: request targets, bodies, answers
// and event streams, and the files of the workload store. The first line of the input is
// "METHOD target", the rest the body.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "host/admin_call.h"
#include "host/admin_client.h"
#include "host/admin_event_parser.h"
#include "host/manifest.h"
#include "host/text_rules.h"
#include "host/workload_store_format.h"

namespace nimbus::host {
namespace {

bool isId(std::string_view id) {
  const auto parts = splitOnce(id, '/');
  return parts && isDnsLabel(parts->first) && isDnsLabel(parts->second);
}

void parseCall(std::string_view method, std::string_view target) {
  const auto call = parseAdminCall(method, target);
  if (!call) {
    NIMBUS_CHECK(call.error().status >= 400 && call.error().status < 500);
    NIMBUS_CHECK((call.error().status == 405) == !call.error().allow.empty());
    NIMBUS_CHECK(!firstInvalidUtf8(call.error().message));
    return;
  }
  const bool one = call->kind == AdminCall::Kind::kGet || call->kind == AdminCall::Kind::kRemove;
  NIMBUS_CHECK(one ? isId(call->workload) : call->workload.empty() || isId(call->workload));
}

// The pieces an event stream comes in make no difference.
std::string readEvents(std::string_view text, std::size_t piece_bytes) {
  std::string seen;
  AdminEventParser parser([&seen](const AdminEvent& event) {
    seen += event.id + '\x1f' + event.kind + '\x1f' + event.data + '\x1e';
  });
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, piece_bytes);
    if (!parser.feed(piece)) break;
    text.remove_prefix(piece.size());
  }
  return seen;
}

void parseBody(std::string_view body) {
  static_cast<void>(parseWorkloadView(body));
  static_cast<void>(parseWorkloadList(body));
  static_cast<void>(parseAdminError(500, body));
  static_cast<void>(decodeCounterFile(body));
  NIMBUS_CHECK(readEvents(body, 1) == readEvents(body, body.size() + 1));
  if (auto stored = decodeWorkloadFile(body))
    NIMBUS_CHECK(decodeWorkloadFile(encodeWorkloadFile(*stored)).has_value());
  const auto spec = parseManifest(body, "manifest", "");
  if (!spec) return;
  for (const ComponentSpec& component : spec->components)
    NIMBUS_CHECK(component.file.empty() || component.file.starts_with('/'));
}

}  // namespace
}  // namespace nimbus::host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = nimbus::asText({data, size});
  const auto [line, body] =
      nimbus::splitOnce(input, '\n').value_or(std::pair(input, std::string_view()));
  const auto [method, target] =
      nimbus::splitOnce(line, ' ').value_or(std::pair(line, std::string_view()));
  nimbus::host::parseCall(method, target);
  nimbus::host::parseBody(body);
  return 0;
}
