#include "release/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "release/test_archive.h"

namespace nimbus::release {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class MemorySink final : public ArchiveSink {
 public:
  Result<void> begin(const std::string& name, Mode mode) override {
    name_ = mode == Mode::kExecutable ? name + "*" : name;
    files[name_] = "";
    return {};
  }
  Result<void> append(ByteView bytes) override {
    files[name_] += asText(bytes);
    return {};
  }
  Result<void> end() override { return {}; }

  std::map<std::string, std::string> files;

 private:
  std::string name_;
};

Result<MemorySink> read(const TestArchive& archive) {
  MemorySink sink;
  TRY_VOID(readArchive(asBytes(archive.bytes()), {1, 0, 0, {}}, "x86_64-linux", sink));
  return sink;
}

// The message of what is refused when it lies beside a program.
std::string refusal(const TestArchive::Entry& entry) {
  TestArchive archive;
  archive.add({.name = "wash-1.0.0-x86_64-linux/bin/wash"});
  archive.add(entry);
  const auto sink = read(archive);
  return sink ? "taken" : sink.error().message();
}

TEST(ReleaseArchiveTest, GivesTheProgramAndItsLibraries) {
  TestArchive archive;
  archive.add({.name = "wash-1.0.0-x86_64-linux/", .type = '5'});
  archive.add({.name = "wash-1.0.0-x86_64-linux/bin/wash", .content = "run", .mode = 0755});
  archive.add({.name = "wash-1.0.0-x86_64-linux/lib/wash-1.0.0/a/b.so", .content = "lib"});
  archive.add({.name = "wash-1.0.0-x86_64-linux/lib/wash-2.0.0/b.so", .content = "other"});
  archive.add({.name = "wash-1.0.0-x86_64-linux/share/doc/README.md", .content = "words"});
  const auto sink = read(archive);
  ASSERT_TRUE(sink) << sink.error().describe();
  EXPECT_THAT(sink->files,
              UnorderedElementsAre(Pair("bin/wash*", "run"), Pair("lib/wash-1.0.0/a/b.so", "lib")));
}

TEST(ReleaseArchiveTest, RefusesNamesThatLeadElsewhere) {
  for (const char* name :
       {"/etc/passwd", "wash-1.0.0-x86_64-linux/../x", "wash-1.0.0-x86_64-linux/lib/./x",
        "wash-1.0.0-x86_64-linux//x", "../bin/wash", "wash-1.0.0-x86_64-linux/.profile",
        "wash-1.0.0-x86_64-linux/lib/a b"})
    EXPECT_THAT(refusal({.name = name}), HasSubstr("the name")) << name;
  EXPECT_THAT(refusal({.name = "wash-1.0.0-x86_64-linuxx/a"}), HasSubstr("is not in"));
  EXPECT_THAT(refusal({.name = "other/a"}), HasSubstr("is not in"));
}

TEST(ReleaseArchiveTest, RefusesLinksAndDevices) {
  for (const char type : {'1', '2', '3', '4', '6'}) {
    EXPECT_THAT(
        refusal({.name = "wash-1.0.0-x86_64-linux/lib/wash-1.0.0/x", .type = type, .link = "/etc"}),
        HasSubstr("neither a file nor a folder"))
        << type;
  }
}

TEST(ReleaseArchiveTest, WantsOneProgram) {
  EXPECT_THAT(refusal({.name = "wash-1.0.0-x86_64-linux/bin/wash"}), HasSubstr("two programs"));
  TestArchive none;
  none.add({.name = "wash-1.0.0-x86_64-linux/share/x"});
  EXPECT_THAT(read(none).error().message(), HasSubstr("it has no"));
}

TEST(ReleaseArchiveTest, RefusesWhatIsNoArchiveOrBrokenOff) {
  MemorySink sink;
  EXPECT_FALSE(readArchive(asBytes("<html>"), {1, 0, 0, {}}, "x86_64-linux", sink));
  TestArchive archive;
  archive.add({.name = "wash-1.0.0-x86_64-linux/bin/wash", .content = std::string(5000, 'x')});
  const std::string whole = archive.bytes();
  EXPECT_FALSE(readArchive(asBytes(std::string_view(whole).substr(0, 3000)), {1, 0, 0, {}},
                           "x86_64-linux", sink));
}

TEST(ReleaseArchiveTest, BoundsTheNumberOfEntries) {
  TestArchive archive;
  for (std::size_t i = 0; i <= kMaxArchiveEntries; ++i)
    archive.add({.name = "wash-1.0.0-x86_64-linux/x"});
  EXPECT_EQ(read(archive).error().code(), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace nimbus::release
