#include "oci/base64.h"

#include <gtest/gtest.h>

namespace nimbus::oci {
namespace {

TEST(Base64Test, IsReadBack) {
  for (const std::string_view text : {"", "a", "ab", "abc", "user:pass\xff"})
    EXPECT_EQ(base64Decoded(base64Encoded(text)), text);
  EXPECT_EQ(base64Encoded("user:password"), "dXNlcjpwYXNzd29yZA==");
}

TEST(Base64Test, OtherFormsAreNotTaken) {
  for (const std::string_view text :
       {"YQ", "YQ=", "Y===", "====", "YQ==YQ==", "YR==", "YW\nI", " YWI", "YW-_"})
    EXPECT_FALSE(base64Decoded(text)) << text;
}

}  // namespace
}  // namespace nimbus::oci
