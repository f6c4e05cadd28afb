#include "host/admin/admin_reply.h"

#include "host/admin/admin_json.h"

namespace nimbus::host {
namespace {

http::ResponseHead makeHead(std::uint16_t status, std::string_view content_type) {
  http::ResponseHead head;
  head.status = status;
  head.headers.add("content-type", content_type);
  head.headers.add("cache-control", "no-store");
  return head;
}

}  // namespace

void sendJson(http::ResponseWriter& response, std::uint16_t status, std::string_view body) {
  response.sendWhole(makeHead(status, "application/json"), asBytes(body));
}

void sendRefusal(http::ResponseWriter& response, const AdminRefusal& refusal) {
  http::ResponseHead head = makeHead(refusal.status, "application/json");
  if (!refusal.allow.empty()) head.headers.add("allow", refusal.allow);
  if (refusal.status == 401) head.headers.add("www-authenticate", "Bearer");
  response.sendWhole(head, asBytes(errorJson(refusal.code, refusal.message)));
}

void sendError(http::ResponseWriter& response, const Error& error) {
  sendJson(response, adminStatus(error.code()), errorJson(error.code(), error.describe()));
}

}  // namespace nimbus::host
