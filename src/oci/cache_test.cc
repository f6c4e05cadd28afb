#include "oci/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>

#include "net/test_support.h"

namespace nimbus::oci {
namespace {

namespace fs = std::filesystem;

class CacheTest : public ::testing::Test {
 protected:
  Cache open(std::uint64_t max_bytes = 1 << 20) {
    auto cache = Cache::open(root(), max_bytes);
    EXPECT_TRUE(cache) << cache.error().describe();
    return *std::move(cache);
  }
  [[nodiscard]] std::string root() const { return folder_.path("a/oci"); }
  static Digest put(Cache& cache, std::string_view blob) {
    auto digest = cache.put(asBytes(blob));
    EXPECT_TRUE(digest) << digest.error().describe();
    return *digest;
  }
  static std::string read(Cache& cache, const Digest& digest) {
    const auto bytes = cache.read(digest, 1 << 20);
    EXPECT_TRUE(bytes) << bytes.error().describe();
    return bytes && *bytes ? std::string((*bytes)->text()) : "nothing";
  }
  static Descriptor blob(std::string_view content) {
    return {{}, Digest::of(asBytes(content)), content.size()};
  }
  [[nodiscard]] std::size_t partialFiles() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(root() + "/partial"), fs::directory_iterator()));
  }
  TemporaryFolder folder_;
};

TEST_F(CacheTest, GivesBackWhatWasPut) {
  Cache cache = open();
  const Digest digest = put(cache, "bytes");
  EXPECT_EQ(digest, Digest::of(asBytes("bytes")));
  EXPECT_EQ(read(cache, digest), "bytes");
  EXPECT_EQ(cache.verify(digest).value(), 5);
  EXPECT_EQ(read(cache, Digest::of(asBytes("other"))), "nothing");
  EXPECT_EQ(cache.read(digest, 4).error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(CacheTest, IsTheUsersAlone) {
  open();
  struct stat status{};
  ASSERT_EQ(::stat(root().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700);
  fs::permissions(root(), fs::perms::owner_all | fs::perms::group_read);
  const auto refused = Cache::open(root(), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(CacheTest, DamageIsFoundAndDeleted) {
  Cache cache = open();
  for (const bool read_it : {true, false}) {
    const Digest digest = put(cache, "bytes");
    std::ofstream(cache.pathOf(digest)) << "bites";
    if (read_it) {
      EXPECT_EQ(read(cache, digest), "nothing");
    } else {
      EXPECT_FALSE(cache.verify(digest).value());
    }
    EXPECT_FALSE(fs::exists(cache.pathOf(digest)));
  }
}

TEST_F(CacheTest, RemembersWhatAReferenceNamed) {
  Cache cache = open();
  const Reference reference = *Reference::parse("r.example/a:1");
  EXPECT_FALSE(cache.find(reference));
  const Digest first = put(cache, "first");
  ASSERT_TRUE(cache.remember(reference, first));
  EXPECT_EQ(open().find(reference), first);
  const Digest second = put(cache, "second");
  ASSERT_TRUE(cache.remember(reference, second));
  EXPECT_EQ(cache.find(reference), second);
  EXPECT_FALSE(cache.find(*Reference::parse("r.example/a:2")));
}

TEST_F(CacheTest, ADigestNamesItselfUnlessItIsAnIndex) {
  Cache cache = open();
  const Digest digest = Digest::of(asBytes("manifest"));
  const Reference reference = *Reference::parse("r.example/a@" + digest.text());
  EXPECT_EQ(cache.find(reference), digest);
  const Digest meant = Digest::of(asBytes("meant"));
  ASSERT_TRUE(cache.remember(reference, meant));
  EXPECT_EQ(cache.find(reference), meant);
}

TEST_F(CacheTest, NonsenseInAReferenceIsNothing) {
  Cache cache = open();
  const Reference reference = *Reference::parse("r.example/a:1");
  ASSERT_TRUE(cache.remember(reference, Digest::of(asBytes("x"))));
  const fs::path file = fs::directory_iterator(root() + "/references")->path();
  for (const std::string_view text :
       {"", "{}", "[", R"({"reference":"r.example/a:1","manifest":"x"})",
        R"({"reference":"r.example/b:1","manifest":"sha256:)"
        R"(ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})"}) {
    std::ofstream(file) << text;
    EXPECT_FALSE(cache.find(reference)) << text;
  }
}

TEST_F(CacheTest, TheLeastRecentlyUsedGoFirst) {
  Cache cache = open(10);
  const Digest old = put(cache, "aaaa");
  const Digest mid = put(cache, "bbbb");
  const Digest young = put(cache, "cccc");
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(cache.pathOf(old), now - std::chrono::hours(3));
  fs::last_write_time(cache.pathOf(mid), now - std::chrono::hours(2));
  fs::last_write_time(cache.pathOf(young), now - std::chrono::hours(1));
  const Reference reference = *Reference::parse("r.example/a:1");
  ASSERT_TRUE(cache.remember(reference, mid));
  EXPECT_EQ(read(cache, old), "aaaa");  // used again
  ASSERT_TRUE(cache.trim({}));
  EXPECT_EQ(read(cache, old), "aaaa");
  EXPECT_EQ(read(cache, mid), "nothing");
  EXPECT_EQ(read(cache, young), "cccc");
  EXPECT_TRUE(fs::is_empty(root() + "/references")) << "its manifest went";
}

TEST_F(CacheTest, WhatIsInUseStaysHoweverLarge) {
  Cache cache = open(2);
  const Digest digest = put(cache, "aaaa");
  ASSERT_TRUE(cache.trim(std::vector{digest}));
  EXPECT_EQ(read(cache, digest), "aaaa");
}

TEST_F(CacheTest, ADownloadGoesOnLater) {
  Cache cache = open();
  const Descriptor whole = blob("all of it");
  {
    auto partial = cache.begin(whole);
    ASSERT_TRUE(partial);
    ASSERT_TRUE((*partial)->append(asBytes("all")));
  }
  auto partial = cache.begin(whole);
  ASSERT_TRUE(partial);
  EXPECT_EQ((*partial)->size(), 3);
  ASSERT_TRUE((*partial)->append(asBytes(" of it")));
  EXPECT_TRUE((*partial)->verify());
  ASSERT_TRUE(cache.keep(**partial, whole.digest));
  EXPECT_EQ(read(cache, whole.digest), "all of it");
  EXPECT_EQ(partialFiles(), 0);
}

TEST_F(CacheTest, ADownloadThatIsTooLongBeginsAnew) {
  Cache cache = open();
  const Descriptor whole = blob("short");
  folder_.write("a/oci/partial/" + std::string(whole.digest.hex()), "much too long");
  auto partial = cache.begin(whole);
  ASSERT_TRUE(partial);
  EXPECT_EQ((*partial)->size(), 0);
  ASSERT_TRUE((*partial)->append(asBytes("short")));
  EXPECT_TRUE((*partial)->verify());
}

TEST_F(CacheTest, TwoDownloadsOfOneBlobKeepApart) {
  Cache cache = open();
  const Descriptor whole = blob("all of it");
  auto first = cache.begin(whole);
  auto second = cache.begin(whole);
  ASSERT_TRUE(first && second);
  ASSERT_TRUE((*first)->append(asBytes("all")));
  ASSERT_TRUE((*second)->append(asBytes("all of it")));
  EXPECT_TRUE((*second)->verify());
  ASSERT_TRUE(cache.keep(**second, whole.digest));
  ASSERT_TRUE((*first)->append(asBytes(" of it")));
  EXPECT_TRUE((*first)->verify());
  ASSERT_TRUE(cache.keep(**first, whole.digest));
  EXPECT_EQ(read(cache, whole.digest), "all of it");
  EXPECT_EQ(partialFiles(), 0);
}

TEST_F(CacheTest, ADownloadBesideAnotherLeavesNothing) {
  Cache cache = open();
  auto first = cache.begin(blob("all of it"));
  ASSERT_TRUE(first);
  {
    auto second = cache.begin(blob("all of it"));
    ASSERT_TRUE(second && (*second)->append(asBytes("all")));
    EXPECT_EQ(partialFiles(), 2);
  }
  EXPECT_EQ(partialFiles(), 1);
}

TEST_F(CacheTest, BrokenOffDownloadsGoAfterDays) {
  Cache cache = open();
  folder_.write("a/oci/partial/old", "x");
  folder_.write("a/oci/partial/new", "x");
  fs::last_write_time(root() + "/partial/old",
                      fs::file_time_type::clock::now() - std::chrono::hours(100));
  ASSERT_TRUE(cache.trim({}));
  EXPECT_FALSE(fs::exists(root() + "/partial/old"));
  EXPECT_TRUE(fs::exists(root() + "/partial/new"));
}

}  // namespace
}  // namespace nimbus::oci
