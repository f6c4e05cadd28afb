#include "host/manifest/capability_catalog.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

HostInterface keyvalue() {
  HostInterface entry;
  entry.namespace_name = "wasi";
  entry.package = "keyvalue";
  return entry;
}

std::string refusalOf(const HostInterface& entry) {
  const auto checked = checkEntry(entry);
  return checked ? "" : checked.error().message();
}

TEST(CapabilityCatalog, KnowsWhatIsServed) {
  ASSERT_NE(findCapability("wasi:keyvalue/batch@0.2.0-draft"), nullptr);
  EXPECT_EQ(findCapability("wasi:keyvalue/store@0.2.0-draft")->providers.front(),
            "keyvalue-sqlite");
  EXPECT_EQ(findCapability("wasi:keyvalue/store@0.2.0-draft2"), nullptr);
  EXPECT_EQ(findCapability("wasi:keyvalue/watcher@0.2.0-draft"), nullptr);
  EXPECT_NE(findCapability("wasi:config/store@0.2.0-rc.1"), nullptr);
  EXPECT_NE(findCapability("wasi:config/runtime@0.2.0-draft"), nullptr);
  EXPECT_EQ(findCapability("wasi:config/runtime@0.2.0-rc.1"), nullptr);
}

TEST(CapabilityCatalog, AnEntryCoversWhatItNames) {
  HostInterface entry = keyvalue();
  EXPECT_TRUE(entryCovers(entry, "wasi:keyvalue/store@0.2.0-draft"));
  EXPECT_FALSE(entryCovers(entry, "wasi:config/store@0.2.0-rc.1"));
  entry.interfaces = {"store", "atomics"};
  EXPECT_TRUE(entryCovers(entry, "wasi:keyvalue/atomics@0.2.0-draft"));
  EXPECT_FALSE(entryCovers(entry, "wasi:keyvalue/batch@0.2.0-draft"));
  entry.version = "0.2.0-draft";
  EXPECT_TRUE(entryCovers(entry, "wasi:keyvalue/store@0.2.0-draft"));
  EXPECT_FALSE(entryCovers(entry, "wasi:keyvalue/store@0.2.0-draft2"));
  entry.version = "0.2.0";
  EXPECT_FALSE(entryCovers(entry, "wasi:keyvalue/store@0.2.0-draft"));
}

TEST(CapabilityCatalog, VersionsThatAreNoDraftsMatchIfTheyAreCompatible) {
  HostInterface entry;
  entry.namespace_name = "acme";
  entry.package = "stock";
  entry.version = "1.2.0";
  EXPECT_TRUE(entryCovers(entry, "acme:stock/items@1.3.0"));
  EXPECT_FALSE(entryCovers(entry, "acme:stock/items@2.0.0"));
}

TEST(CapabilityCatalog, TakesBuiltInProvidersThatServeThePackage) {
  HostInterface entry = keyvalue();
  EXPECT_EQ(refusalOf(entry), "");
  entry.provider = "keyvalue-memory";
  entry.interfaces = {"store", "atomics", "batch"};
  entry.version = "0.2.0-draft";
  entry.config = {{"keyspace", "orders"}, {"max-bytes", "1000"}, {"max-keys", "10"}};
  EXPECT_EQ(refusalOf(entry), "");
  entry.provider = "keyvalue-redis";
  EXPECT_EQ(refusalOf(entry), "");
}

TEST(CapabilityCatalog, RefusesProvidersInterfacesAndConfigurationThatItHasNot) {
  HostInterface entry = keyvalue();
  entry.provider = "keyvalue-file";
  EXPECT_EQ(refusalOf(entry),
            "the interface wasi:keyvalue has no built-in provider \"keyvalue-file\"; there is "
            "keyvalue-sqlite, keyvalue-memory, keyvalue-redis, keyvalue-nats");
  entry = keyvalue();
  entry.interfaces = {"watcher"};
  EXPECT_TRUE(refusalOf(entry).starts_with(
      "this host has no provider of the interface wasi:keyvalue/watcher"));
  entry = keyvalue();
  entry.version = "0.3.0";
  EXPECT_TRUE(refusalOf(entry).contains("wasi:keyvalue@0.3.0"));
  entry = keyvalue();
  entry.config = {{"ttl", "1"}};
  EXPECT_EQ(refusalOf(entry), "the interface wasi:keyvalue has no configuration \"ttl\"");
  entry.config = {{"max-bytes", "many"}};
  EXPECT_EQ(refusalOf(entry), "the interface wasi:keyvalue: \"many\" is not a value for max-bytes");
  entry.config = {{"keyspace", "not a label"}};
  EXPECT_TRUE(refusalOf(entry).contains("is not a value for keyspace"));
}

TEST(CapabilityCatalog, AnInterfaceOfOnesOwnNeedsAProviderElsewhere) {
  HostInterface entry;
  entry.namespace_name = "acme";
  entry.package = "stock";
  EXPECT_TRUE(refusalOf(entry).contains("name one that has"));
  entry.provider = "tcp:127.0.0.1:7761";
  EXPECT_EQ(refusalOf(entry), "");
  entry.config = {{"a", "b"}};
  EXPECT_TRUE(refusalOf(entry).contains("takes no configuration \"a\" from here"));
}

TEST(CapabilityCatalog, SaysHowAMissingImportCouldBeProvided) {
  EXPECT_EQ(howToProvide("wasi:keyvalue/store@0.2.0-draft"),
            "add to hostInterfaces: {namespace: wasi, package: keyvalue, interfaces: [store], "
            "provider: keyvalue-sqlite}");
  EXPECT_EQ(howToProvide("acme:stock/items@1.0.0"),
            "add to hostInterfaces: {namespace: acme, package: stock, interfaces: [items], "
            "provider: unix:PATH} (or tcp:HOST:PORT, nats:PREFIX)");
  EXPECT_EQ(howToProvide("stock"),
            "add to hostInterfaces: {interfaces: [stock], provider: unix:PATH} (or tcp:HOST:PORT, "
            "nats:PREFIX)");
  EXPECT_EQ(howToProvide("acme:stock/items@1.0.0", InterfacesBy::kFlags),
            "add --provider acme:stock=unix:PATH (or tcp:HOST:PORT, nats:PREFIX)");
  EXPECT_EQ(howToProvide("acme:stock/items@1.0.0", InterfacesBy::kProject),
            "add to dev.host_interfaces: {namespace: acme, package: stock, interfaces: [items], "
            "provider: unix:PATH} (or tcp:HOST:PORT, nats:PREFIX); or install a plugin that "
            "exports it");
  EXPECT_EQ(howToProvide("stock", InterfacesBy::kFlags),
            "only workloads of a host have providers of what has no package");
}

}  // namespace
}  // namespace nimbus::host
