#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "host/admin/admin_call.h"
#include "http/handler.h"

// Whole responses of the administration API and of probes.
namespace nimbus::host {

void sendJson(http::ResponseWriter& response, std::uint16_t status, std::string_view body);
void sendRefusal(http::ResponseWriter& response, const AdminRefusal& refusal);
// With the status that belongs to the error's code.
void sendError(http::ResponseWriter& response, const Error& error);

}  // namespace nimbus::host
