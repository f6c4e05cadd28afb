#include "release/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::release {
namespace {

using ::testing::HasSubstr;

// What it is taken as, or the message.
std::string base(std::string_view text) {
  const auto url = parseBaseUrl(text);
  return url ? below(*url, "0.1.0/a").text() : url.error().message();
}

TEST(BaseUrlTest, IsAFolder) {
  EXPECT_EQ(base("https://Downloads.example/wash/"), "https://downloads.example/wash/0.1.0/a");
  EXPECT_EQ(base("https://downloads.example"), "https://downloads.example/0.1.0/a");
  EXPECT_THAT(base("https://downloads.example/?a=b"), HasSubstr("is not an address"));
  EXPECT_THAT(base("downloads.example/wash"), HasSubstr("is not an address"));
  EXPECT_THAT(base(""), HasSubstr("is not an address"));
}

TEST(BaseUrlTest, IsOpenToChangeOnNoWay) {
  for (const char* host : {"downloads.example", "127.0.0.1.example", "localhost.example",
                           "192.168.0.1:80", "[::2]:80", "1127.0.0.1"})
    EXPECT_THAT(base("http://" + std::string(host) + "/wash"), HasSubstr("https only")) << host;
  EXPECT_EQ(base("http://127.0.0.1:8080/x"), "http://127.0.0.1:8080/x/0.1.0/a");
  EXPECT_EQ(base("http://[::1]:8080/x"), "http://[::1]:8080/x/0.1.0/a");
  EXPECT_EQ(base("http://localhost/x"), "http://localhost/x/0.1.0/a");
}

}  // namespace
}  // namespace nimbus::release
