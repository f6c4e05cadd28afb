#include "host/admin/admin_event_parser.h"

namespace nimbus::host {

Result<void> AdminEventParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    partial_.append(bytes.substr(0, end));
    if (partial_.size() + event_.data.size() > kMaxEventBytes)
      return fail(ErrorCode::kResourceExhausted, "an event is too large");
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (partial_.ends_with('\r')) partial_.pop_back();
    line(partial_);
    partial_.clear();
  }
  return {};
}

void AdminEventParser::line(std::string_view text) {
  if (text.empty()) {
    if (!event_.data.empty()) each_(event_);
    event_.kind.clear();
    event_.data.clear();
    return;
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view field = text.substr(0, colon);
  std::string_view value = text.substr(std::min(colon + 1, text.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") {
    event_.id = value;
  } else if (field == "event") {
    event_.kind = value;
  } else if (field == "data") {
    if (!event_.data.empty()) event_.data += '\n';
    event_.data += value;
  }
}

}  // namespace nimbus::host
