// A plugin of `wash`: a command, `wash {{package-name}} NAME`, and a hook after `wash build`.

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "wash_plugin.h"

namespace {

using Text = wash_plugin_string_t;

std::string_view viewOf(const Text& text) {
  return {reinterpret_cast<const char*>(text.ptr), text.len};
}

// What is returned is freed by the bindings, and so has memory of its own.
Text copyOf(std::string_view text) {
  Text copy{static_cast<uint8_t*>(std::malloc(text.size() + 1)), text.size()};
  if (copy.ptr == nullptr) std::abort();
  std::memcpy(copy.ptr, text.data(), text.size());
  return copy;
}

template <typename List, typename Item>
void append(List& list, const Item& item) {
  void* const more = std::realloc(list.ptr, (list.len + 1) * sizeof(Item));
  if (more == nullptr) std::abort();
  list.ptr = static_cast<Item*>(more);
  list.ptr[list.len++] = item;
}

nimbus_wash_types_command_t command() {
  nimbus_wash_types_command_t made{};
  made.name = copyOf("{{package-name}}");
  made.description = copyOf("Greets somebody");
  nimbus_wash_types_argument_t name{};
  name.name = copyOf("name");
  name.description = copyOf("Who is greeted");
  name.kind = NIMBUS_WASH_TYPES_VALUE_KIND_TEXT;
  name.default_ = {true, copyOf("world")};
  append(made.arguments, name);
  append(made.examples, copyOf("wash {{package-name}} you"));
  return made;
}

// The first value of an argument; empty if there is none.
std::string_view valueOf(const nimbus_wash_types_list_given_t& given, std::string_view name) {
  for (std::size_t i = 0; i < given.len; ++i) {
    if (viewOf(given.ptr[i].name) == name && given.ptr[i].values.len > 0)
      return viewOf(given.ptr[i].values.ptr[0]);
  }
  return {};
}

// A value of what this run of a command shares with its hooks; empty if there is none.
std::string fromContext(nimbus_wash_types_borrow_runner_t runner, std::string_view key) {
  const auto context = nimbus_wash_types_method_runner_context(runner);
  Text wanted = copyOf(key);
  Text found{};
  std::string value;
  if (nimbus_wash_types_method_dictionary_get(nimbus_wash_types_borrow_dictionary(context), &wanted,
                                              &found)) {
    value = viewOf(found);
    wash_plugin_string_free(&found);
  }
  wash_plugin_string_free(&wanted);
  nimbus_wash_types_dictionary_drop_own(context);
  return value;
}

}  // namespace

extern "C" {

void exports_nimbus_wash_plugin_info(exports_nimbus_wash_plugin_metadata_t* info) {
  *info = {};
  info->name = copyOf("{{package-name}}");
  info->description = copyOf("Greets, and watches builds");
  info->version = copyOf("0.1.0");
  info->command = {true, command()};
  nimbus_wash_types_hook_t after_build{};
  after_build.phase = NIMBUS_WASH_TYPES_PHASE_AFTER;
  after_build.command = copyOf("build");
  append(info->hooks, after_build);
  // What is named in info->capabilities is asked for when the plugin is installed.
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
  const std::string name(valueOf(invocation->arguments, "name"));
  exports_nimbus_wash_plugin_invocation_free(invocation);
  if (name.empty()) {
    *error = copyOf("whom shall I greet?");
    return false;
  }
  *result = copyOf("Hello, " + name + "!");
  return true;
}

bool exports_nimbus_wash_plugin_hook(exports_nimbus_wash_plugin_own_runner_t runner,
                                     exports_nimbus_wash_plugin_event_t* event, Text* result,
                                     Text* /*error*/) {
  std::string said;
  if (event->outcome.is_some && event->outcome.val.success)
    said = "{{package-name}} has seen " +
           fromContext(nimbus_wash_types_borrow_runner(runner), "build.component_path");
  nimbus_wash_types_runner_drop_own(runner);
  exports_nimbus_wash_plugin_event_free(event);
  *result = copyOf(said);
  return true;
}

bool exports_nimbus_wash_plugin_check(exports_nimbus_wash_plugin_own_runner_t runner,
                                      exports_nimbus_wash_plugin_list_finding_t* findings,
                                      Text* /*error*/) {
  nimbus_wash_types_runner_drop_own(runner);
  *findings = {};
  return true;
}

}  // extern "C"
