#include "base/loadable_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/test_folder.h"

namespace nimbus {
namespace {

TEST(LoadableFile, IsARegularFileThatCanBeOpened) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  folder.write("a", "12345");
  EXPECT_TRUE(checkLoadable("the key", folder.path("a"), 5));
  const auto problem = [&folder](const char* name) {
    return checkLoadable("the key", folder.path(name), 4).error().message();
  };
  const std::string start = "cannot load the key " + folder.path() + "/";
  EXPECT_EQ(problem("a"), start + "a: it is larger than 4 bytes");
  EXPECT_EQ(problem("none"), start + "none: No such file or directory");
  EXPECT_EQ(problem("pipe"), start + "pipe: it is not a regular file");
}

}  // namespace
}  // namespace nimbus
