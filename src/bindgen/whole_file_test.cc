#include "bindgen/whole_file.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include <sys/resource.h>
#include <unistd.h>

#include "base/test_folder.h"

namespace nimbus::bindgen {
namespace {

namespace fs = std::filesystem;

class WholeFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string content(std::string_view name) const { return temporary_.read(name); }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(temporary_.path()), fs::directory_iterator());
  }

  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

// Files become no larger than that as long as it lives.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit tight{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &tight);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_F(WholeFileTest, TakesThePlaceOfWhatWasThere) {
  ASSERT_TRUE(writeWholeFile(folder_ / "file", "before"));
  ASSERT_TRUE(writeWholeFile(folder_ / "file", std::string_view("a\0b", 3)));
  EXPECT_EQ(content("file"), std::string("a\0b", 3));
  EXPECT_EQ(files(), 1);
}

TEST_F(WholeFileTest, MakesItsFolder) {
  ASSERT_TRUE(writeWholeFile(folder_ / "a" / "b" / "file", "text"));
  EXPECT_EQ(content("a/b/file"), "text");
}

TEST_F(WholeFileTest, WhatWasThereStaysWhereThereIsNoRoom) {
  ASSERT_TRUE(writeWholeFile(folder_ / "file", "before"));
  Result<void> written;
  {
    const SizeLimit limit(8);
    written = writeWholeFile(folder_ / "file", std::string(100'000, 'x'));
  }
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kIo);
  EXPECT_TRUE(written.error().message().ends_with("File too large")) << written.error().message();
  EXPECT_EQ(content("file"), "before");
  EXPECT_EQ(files(), 1);
}

TEST_F(WholeFileTest, WhereAFolderIsNothingIsLeft) {
  fs::create_directory(folder_ / "taken");
  ASSERT_FALSE(writeWholeFile(folder_ / "taken", "text"));
  EXPECT_EQ(files(), 1);
}

}  // namespace
}  // namespace nimbus::bindgen
