#include "wit/compose.h"

#include <algorithm>
#include <set>
#include <utility>

#include "rust/tools.h"
#include "wit/import_sharing.h"
#include "wit/tool_call.h"

namespace nimbus::wit {
namespace {

NimbusView rawView(std::string_view text) {
  const ByteView bytes = asBytes(text);
  return {bytes.data(), bytes.size()};
}

// A plain name of WIT: words of letters and digits that begin with a letter, joined by "-".
std::string kebab(std::string_view text) {
  std::string name;
  bool word_begins = true;
  for (const char c : text) {
    if (c == '-') {
      word_begins = true;
      continue;
    }
    if (word_begins && !name.empty()) name += '-';
    if (word_begins && c >= '0' && c <= '9') name += 'n';
    name += c;
    word_begins = false;
  }
  return name;
}

bool isKebab(std::string_view text) {
  return !text.empty() && text == kebab(text) && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string_view lastSegment(std::string_view interface) {
  return interface.substr(interface.rfind('/') + 1);
}

bool isLinked(const Composition& composition, std::size_t part, const std::string& name) {
  return std::ranges::any_of(composition.links, [&](const Composition::Link& link) {
    return link.importer == part && link.import_name == name;
  });
}

bool staysOwn(const ExternName& import) {
  if (import.kind == "instance") return !isSharedInterface(import.parts);
  // Functions of resources have no plain names; there is no provider for them either.
  return import.kind == "func" && isKebab(import.name);
}

}  // namespace

Result<Bytes> compose(const Composition& composition) {
  std::vector<NimbusComposePart> parts;
  for (const Composition::Part& part : composition.parts) {
    const ByteView wasm = part.wasm.view();
    parts.push_back({rawView(part.name), {wasm.data(), wasm.size()}});
  }
  std::vector<NimbusComposeLink> links;
  for (const Composition::Link& link : composition.links) {
    links.push_back(
        {link.importer, rawView(link.import_name), link.exporter, rawView(link.export_name)});
  }
  std::vector<NimbusComposeLabel> labels;
  for (const Composition::Label& label : composition.labels) {
    labels.push_back({label.part, rawView(label.import_name), rawView(label.label)});
  }
  constexpr std::size_t kRoot = 0;
  return bytesOf(call(nimbus_tools_compose, parts.data(), parts.size(), links.data(), links.size(),
                      labels.data(), labels.size(), kRoot));
}

std::vector<Composition::Label> labelsFor(const Composition& composition) {
  std::vector<Composition::Label> labels;
  std::set<std::string> taken;
  for (std::size_t part = 0; part < composition.parts.size(); ++part) {
    for (const ExternName& import : composition.parts[part].info.imports) {
      if (!staysOwn(import) || isLinked(composition, part, import.name)) continue;
      const std::string name =
          kebab(composition.parts[part].name) + "-" + kebab(lastSegment(import.parts.interface));
      // An interface in two versions, or two interfaces of one name.
      std::string label = name;
      for (int next = 2; !taken.insert(label).second; ++next) {
        label = name + "-x" + std::to_string(next);
      }
      labels.push_back({part, import.name, std::move(label)});
    }
  }
  return labels;
}

}  // namespace nimbus::wit
