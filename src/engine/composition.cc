#include "engine/composition.h"

#include "engine/engine.h"
#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Lengths go first, so that no two different lists make the same text.
void append(std::string& text, std::string_view field) {
  text += std::to_string(field.size());
  text += ':';
  text += field;
}

void append(std::string& text, std::size_t number) {
  text += std::to_string(number);
  text += ';';
}

}  // namespace

Sha256 compositionKey(const wit::Composition& composition) {
  std::string text = "composition;";
  append(text, composition.parts.size());
  for (const auto& part : composition.parts) {
    append(text, part.name);
    append(text, part.digest.empty() ? digestText(sha256(part.wasm.view())) : part.digest);
  }
  append(text, composition.links.size());
  for (const auto& link : composition.links) {
    append(text, link.importer);
    append(text, link.import_name);
    append(text, link.exporter);
    append(text, link.export_name);
  }
  append(text, composition.labels.size());
  for (const auto& label : composition.labels) {
    append(text, label.part);
    append(text, label.import_name);
    append(text, label.label);
  }
  return sha256(asBytes(text));
}

std::vector<NimbusLabel> rawLabels(const wit::Composition& composition) {
  std::vector<NimbusLabel> labels;
  for (const auto& label : composition.labels) {
    labels.push_back(
        {toStr(label.label), toStr(label.import_name), static_cast<std::uint32_t>(label.part)});
  }
  return labels;
}

std::string labelMeaning(const wit::Composition& composition, std::string_view message) {
  for (const auto& label : composition.labels) {
    if (message.find("`" + label.label + "`") == std::string_view::npos) continue;
    return "component \"" + composition.parts[label.part].name + "\" imports " + label.import_name +
           ", which nothing provides in that form";
  }
  return {};
}

}  // namespace nimbus::engine
