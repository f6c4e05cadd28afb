#include "plugin/grant_format.h"

#include <utility>

#include "plugin/json_reader.h"
#include "plugin/json_writer.h"

namespace nimbus::plugin {

std::string formatGrants(const std::vector<RecordedGrant>& grants) {
  JsonWriter out;
  out.number("version", 1);
  out.list("grants", grants, [](const RecordedGrant& each, JsonWriter& item) {
    item.text("plugin", each.plugin.name).text("digest", each.plugin.digest);
    item.text("kind", kindName(each.grant.kind)).text("subject", each.grant.subject);
    item.texts("arguments", each.grant.arguments);
  });
  return std::move(out).finish() + "\n";
}

Result<std::vector<RecordedGrant>> parseGrants(std::string_view text) {
  TRY(JsonReader in, JsonReader::parse(text, "the plugins' permissions"));
  if (in.number("version") != 1) in.fail("version", "1, the only one known here");
  std::vector<RecordedGrant> all;
  for (JsonReader& each : in.objects("grants")) {
    RecordedGrant& recorded = all.emplace_back();
    recorded.plugin = {each.text("plugin"), each.text("digest")};
    const auto kind = parseKind(each.text("kind"));
    if (kind) {
      recorded.grant.kind = *kind;
    } else {
      each.fail("kind", "one that is known");
    }
    recorded.grant.subject = each.text("subject");
    recorded.grant.arguments = each.texts("arguments");
  }
  TRY_VOID(in.check());
  return all;
}

}  // namespace nimbus::plugin
