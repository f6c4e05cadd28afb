#include "plugin/grant_format.h"

#include <utility>

#include "plugin/json_reader.h"
#include "plugin/json_writer.h"

namespace nimbus::plugin {

std::string formatGrants(const GrantFile& file) {
  JsonWriter out;
  out.number("version", 1);
  out.list("grants", file.grants, [](const RecordedGrant& each, JsonWriter& item) {
    item.text("plugin", each.plugin.name).text("digest", each.plugin.digest);
    item.text("kind", kindName(each.grant.kind)).text("subject", each.grant.subject);
    item.texts("arguments", each.grant.arguments);
  });
  out.list("revocations", file.revocations, [](const auto& each, JsonWriter& item) {
    item.text("plugin", each.first).number("count", each.second);
  });
  return std::move(out).finish() + "\n";
}

Result<GrantFile> parseGrants(std::string_view text) {
  TRY(JsonReader in, JsonReader::parse(text, "the plugins' permissions"));
  if (in.number("version") != 1) in.fail("version", "1, the only one known here");
  GrantFile file;
  for (JsonReader& each : in.objects("grants")) {
    RecordedGrant& recorded = file.grants.emplace_back();
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
  // Files of earlier versions have none.
  for (JsonReader& each : in.optionalObjects("revocations"))
    file.revocations[each.text("plugin")] = each.number("count");
  TRY_VOID(in.check());
  return file;
}

}  // namespace nimbus::plugin
