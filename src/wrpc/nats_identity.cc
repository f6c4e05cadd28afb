#include "wrpc/nats_identity.h"

#include <utility>

namespace nimbus::wrpc {
namespace {

constexpr const char* kSource = "source-id";
constexpr const char* kLinkName = "link-name";
constexpr const char* kBinding = "binding-id";
constexpr const char* kTraceParent = "traceparent";
constexpr std::size_t kMaxValueBytes = 1024;

// "NATS/1.0", a line end after it, and one after the headers.
constexpr std::size_t kFramingBytes = 12;
constexpr std::size_t kPerHeaderBytes = 4;  // ": " and a line end

// A line end in a value would begin another header.
bool canBeValue(std::string_view text) {
  if (text.empty() || text.size() > kMaxValueBytes) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 127) return false;
  }
  return true;
}

void add(nats::Connection::Headers& headers, const char* name, std::string_view value) {
  if (canBeValue(value)) headers.emplace_back(name, value);
}

std::string textOf(const nats::Message& message, const char* name) {
  const std::string_view value = message.header(name).value_or("");
  return canBeValue(value) ? std::string(value) : std::string();
}

}  // namespace

nats::Connection::Headers identityHeaders(const Consumer& consumer) {
  nats::Connection::Headers headers;
  std::string source = consumer.workload;
  if (!consumer.component.empty()) source += "/" + consumer.component;
  add(headers, kSource, source);
  add(headers, kLinkName, consumer.link_name);
  add(headers, kBinding, consumer.binding);
  return headers;
}

void addTraceParent(nats::Connection::Headers& headers, std::string_view trace_parent) {
  add(headers, kTraceParent, trace_parent);
}

Consumer readIdentity(const nats::Message& invocation) {
  Consumer consumer;
  const std::string source = textOf(invocation, kSource);
  const std::size_t slash = source.find('/');
  consumer.workload = source.substr(0, slash);
  if (slash != std::string::npos) consumer.component = source.substr(slash + 1);
  consumer.binding = textOf(invocation, kBinding);
  consumer.link_name = textOf(invocation, kLinkName);
  return consumer;
}

std::string_view readTraceParent(const nats::Message& invocation) {
  const std::string_view value = invocation.header(kTraceParent).value_or("");
  return canBeValue(value) ? value : std::string_view();
}

std::size_t encodedSize(const nats::Connection::Headers& headers) {
  if (headers.empty()) return 0;
  std::size_t size = kFramingBytes;
  for (const auto& [name, value] : headers) size += name.size() + value.size() + kPerHeaderBytes;
  return size;
}

}  // namespace nimbus::wrpc
