// The keys of a configuration outside `dev` and `host`. Their help is printed as a sentence of the
// reference page.

#include "project/binding.h"

namespace nimbus::project {

template <>
const Section& sectionOf<TemplateSettings>() {
  static const Section section = [] {
    SectionBuilder<TemplateSettings> keys;
    keys.add("name", &TemplateSettings::name, "Name by which `wash new` offers it.").required =
        true;
    keys.add("description", &TemplateSettings::description, "One line for the list.");
    keys.add("repository", &TemplateSettings::repository, "URL of the git repository.").required =
        true;
    keys.add("subfolder", &TemplateSettings::subfolder, "Folder of the repository to use.");
    keys.add("ref", &TemplateSettings::ref, "Branch, tag or commit.");
    keys.add("language", &TemplateSettings::language, "Language, for the list.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<NewSettings>() {
  static const Section section = [] {
    SectionBuilder<NewSettings> keys;
    keys.add("command", &NewSettings::command,
             "Shell command that `wash new` runs in a project it has made from this template, "
             "after asking.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<WitRegistry>() {
  static const Section section = [] {
    SectionBuilder<WitRegistry> keys;
    keys.add("url", &WitRegistry::url, "Host of the registry, or its URL.").required = true;
    keys.add("username", &WitRegistry::username, "User name for it.");
    keys.add("token", &WitRegistry::token, "Password or token for it.").secret = true;
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<WitSettings>() {
  static const Section section = [] {
    SectionBuilder<WitSettings> keys;
    keys.add("registries", &WitSettings::registries,
             "Credentials for registries that WIT packages are fetched from.");
    keys.add("skip_fetch", &WitSettings::skip_fetch,
             "Whether `wash build` leaves WIT dependencies as they are.");
    keys.add("wit_dir", &WitSettings::wit_dir, "Folder of the project's WIT.");
    keys.add("sources", &WitSettings::sources,
             "Where packages come from, by package: a path, a git or http URL, or an OCI "
             "reference.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<ValueLayer>() {
  static const Section section = [] {
    SectionBuilder<ValueLayer> keys;
    keys.add("config", &ValueLayer::config, "Values, by name.");
    keys.add("configFrom", &ValueLayer::config_from,
             "Entries of `configs` whose values are added; later ones win.");
    keys.add("secretFrom", &ValueLayer::secret_from,
             "Entries of `secrets` whose values are added last; later ones win.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<WorkloadSettings>() {
  static const Section section = [] {
    SectionBuilder<WorkloadSettings> keys;
    keys.add("environment", &WorkloadSettings::environment,
             "Environment variables of the component.");
    keys.add("config", &WorkloadSettings::config, "What the component reads by `wasi:config`.");
    keys.add("allowedHosts", &WorkloadSettings::allowed_hosts,
             "Hosts that outgoing HTTP may reach: `*`, `host[:port]`, `scheme://host[:port]` or "
             "`*.suffix[:port]`. All if the key is absent, none if the list is empty.");
    keys.add("allowedIpNameLookups", &WorkloadSettings::allowed_ip_name_lookups,
             "Names that the component may resolve.");
    keys.add("allowedHostLoopbackPorts", &WorkloadSettings::allowed_host_loopback_ports,
             "Ports of this machine's loopback that it may reach: `5432`, `53/udp`.");
    return keys.take();
  }();
  return section;
}

namespace {

template <typename Source>
Section sourceKeys(std::string_view file_help) {
  SectionBuilder<Source> keys;
  keys.add("inline", &Source::inline_values, "Values, by name.");
  keys.add("file", &Source::file, file_help);
  keys.add("dir", &Source::dir, "Folder within the project that holds a file for each name.");
  keys.add("fromEnv", &Source::from_env, "Variables of the environment of `wash`.");
  return keys.take();
}

}  // namespace

template <>
const Section& sectionOf<ValueSource>() {
  static const Section section =
      sourceKeys<ValueSource>("File of NAME=VALUE lines within the project.");
  return section;
}

template <>
const Section& sectionOf<SecretSource>() {
  static const Section section = [] {
    Section keys = sourceKeys<SecretSource>(
        "File of NAME=VALUE lines within the project; no link, and of mode 0600 or 0400.");
    keys.keys.front().secret = true;
    return keys;
  }();
  return section;
}

template <>
const Section& sectionOf<PluginSettings>() {
  static const Section section = [] {
    SectionBuilder<PluginSettings> keys;
    keys.add("allow", &PluginSettings::allow,
             "What plugins may do without being asked about, in the form that `--allow` takes. "
             "Not taken from a project's own file.")
        .user_only = true;
    keys.add("config", &PluginSettings::config, "Configuration of plugins, by plugin and name.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<UpdateSettings>() {
  static const Section section = [] {
    SectionBuilder<UpdateSettings> keys;
    keys.add("url", &UpdateSettings::url,
             "Address of the folder of releases that `wash update` looks into. Not taken from a "
             "project's own file.")
        .user_only = true;
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<ProjectConfig>() {
  static const Section section = [] {
    SectionBuilder<ProjectConfig> keys;
    keys.add("version", &ProjectConfig::version, "Version of `wash` that the file was written for.")
        .any_scalar = true;
    keys.add("build", &ProjectConfig::build, "How the component is built.");
    keys.add("new", &ProjectConfig::new_project, "What a template does after `wash new`.");
    keys.add("templates", &ProjectConfig::templates, "Further templates for `wash new`.");
    keys.add("wit", &ProjectConfig::wit, "Where WIT packages come from.");
    keys.add("workload", &ProjectConfig::workload, "What the component gets and may reach.");
    keys.add("configs", &ProjectConfig::configs, "Named sources of values.");
    keys.add("secrets", &ProjectConfig::secrets, "Named sources of secret values.");
    keys.add("dev", &ProjectConfig::dev, "What `wash dev` runs.");
    keys.add("host", &ProjectConfig::host, "What `wash host` runs beside workloads.");
    keys.add("plugins", &ProjectConfig::plugins, "Plugins of `wash`.");
    keys.add("update", &ProjectConfig::update, "Where newer releases of `wash` are.");
    return keys.take();
  }();
  return section;
}

}  // namespace nimbus::project
