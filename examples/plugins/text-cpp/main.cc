// A plugin with sub-commands: `wash text upper WORD…` and `wash text count WORD… [--bytes]`.

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "wash_plugin.h"

namespace {

using Text = wash_plugin_string_t;

// Everything that is returned is freed by the bindings, and so has memory of its own.
Text copyOf(std::string_view text) {
  Text copy{static_cast<uint8_t*>(std::malloc(text.size() + 1)), text.size()};
  std::memcpy(copy.ptr, text.data(), text.size());
  return copy;
}

std::string_view viewOf(const Text& text) {
  return {reinterpret_cast<const char*>(text.ptr), text.len};
}

template <typename List, typename Item>
void append(List& list, const Item& item) {
  list.ptr = static_cast<decltype(list.ptr)>(
      std::realloc(list.ptr, (list.len + 1) * sizeof(*list.ptr)));
  list.ptr[list.len++] = item;
}

nimbus_wash_types_command_t command(std::string_view name, std::string_view description) {
  nimbus_wash_types_command_t made{};
  made.name = copyOf(name);
  made.description = copyOf(description);
  nimbus_wash_types_argument_t words{};
  words.name = copyOf("words");
  words.description = copyOf("what it is about");
  words.required = true;
  words.repeated = true;
  append(made.arguments, words);
  return made;
}

std::vector<std::string_view> valuesOf(const nimbus_wash_types_list_given_t& given,
                                       std::string_view name) {
  std::vector<std::string_view> values;
  for (size_t i = 0; i < given.len; ++i) {
    if (viewOf(given.ptr[i].name) != name) continue;
    const auto& list = given.ptr[i].values;
    for (size_t j = 0; j < list.len; ++j) values.push_back(viewOf(list.ptr[j]));
  }
  return values;
}

std::string upper(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ' ';
    for (const unsigned char c : word) text += static_cast<char>(std::toupper(c));
  }
  return text;
}

std::string count(const std::vector<std::string_view>& words, bool bytes) {
  size_t total = words.size();
  if (bytes) {
    total = 0;
    for (const std::string_view word : words) total += word.size();
  }
  return std::to_string(total) + (bytes ? " bytes" : " words");
}

}  // namespace

extern "C" {

void exports_nimbus_wash_plugin_info(exports_nimbus_wash_plugin_metadata_t* info) {
  *info = {};
  info->name = copyOf("text");
  info->description = copyOf("Does things with words");
  info->version = copyOf("0.1.0");
  info->license = copyOf("Apache-2.0");
  append(info->sub_commands, command("upper", "Prints words in capitals"));
  nimbus_wash_types_command_t counting = command("count", "Counts words");
  nimbus_wash_types_flag_t bytes{};
  bytes.name = copyOf("bytes");
  bytes.short_ = {true, 'b'};
  bytes.description = copyOf("count their bytes instead");
  bytes.kind = NIMBUS_WASH_TYPES_VALUE_KIND_SWITCH;
  append(counting.flags, bytes);
  append(counting.examples, copyOf("wash text count --bytes one two"));
  append(info->sub_commands, counting);
}

bool exports_nimbus_wash_plugin_initialize(exports_nimbus_wash_plugin_own_runner_t runner,
                                           Text* /*error*/) {
  nimbus_wash_types_runner_drop_own(runner);
  return true;
}

bool exports_nimbus_wash_plugin_run(exports_nimbus_wash_plugin_own_runner_t runner,
                                    exports_nimbus_wash_plugin_invocation_t* invocation,
                                    Text* result, Text* error) {
  nimbus_wash_types_runner_drop_own(runner);
  const std::string_view name = viewOf(invocation->sub_command.val);
  const auto words = valuesOf(invocation->arguments, "words");
  const bool known = name == "upper" || name == "count";
  if (name == "upper") {
    *result = copyOf(upper(words));
  } else if (known) {
    *result = copyOf(count(words, !valuesOf(invocation->flags, "bytes").empty()));
  } else {
    *error = copyOf("there is no such command");
  }
  exports_nimbus_wash_plugin_invocation_free(invocation);
  return known;
}

bool exports_nimbus_wash_plugin_hook(exports_nimbus_wash_plugin_own_runner_t runner,
                                     exports_nimbus_wash_plugin_event_t* event, Text* /*result*/,
                                     Text* error) {
  nimbus_wash_types_runner_drop_own(runner);
  exports_nimbus_wash_plugin_event_free(event);
  *error = copyOf("there is no hook");
  return false;
}

bool exports_nimbus_wash_plugin_check(exports_nimbus_wash_plugin_own_runner_t runner,
                                      exports_nimbus_wash_plugin_list_finding_t* findings,
                                      Text* /*error*/) {
  nimbus_wash_types_runner_drop_own(runner);
  *findings = {};
  return true;
}

}  // extern "C"
