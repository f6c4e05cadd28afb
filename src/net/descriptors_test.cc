#include "net/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/unique_fd.h"

namespace nimbus::net {
namespace {

// Puts the limits of the process back.
class LimitsKept {
 public:
  LimitsKept() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  LimitsKept(const LimitsKept&) = delete;
  LimitsKept& operator=(const LimitsKept&) = delete;
  ~LimitsKept() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  [[nodiscard]] rlim_t hard() const { return before_.rlim_max; }

 private:
  rlimit before_{};
};

TEST(DescriptorsTest, TheSoftLimitIsRaisedToTheHardOne) {
  const LimitsKept limits;
  rlimit low{.rlim_cur = 256, .rlim_max = limits.hard()};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(descriptorLimit(), 256U);
  const std::uint64_t wanted = std::min<std::uint64_t>(limits.hard(), 1024 * 1024);
  EXPECT_EQ(raiseDescriptorLimit(), wanted);
  EXPECT_EQ(descriptorLimit(), wanted);
}

TEST(DescriptorsTest, OpenOnesAreCounted) {
  const std::uint64_t before = openDescriptors();
  ASSERT_GT(before, 0U);
  const UniqueFd one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(openDescriptors(), before + 1);
}

}  // namespace
}  // namespace nimbus::net
