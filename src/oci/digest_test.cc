#include "oci/digest.h"

#include <gtest/gtest.h>

namespace nimbus::oci {
namespace {

constexpr std::string_view kOfAbc =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(DigestTest, NamesTheSha256OfBytes) {
  EXPECT_EQ(Digest::of(asBytes("abc")).text(), kOfAbc);
  EXPECT_EQ(Digest::of(asBytes("abc")).hex(), kOfAbc.substr(7));
}

TEST(DigestTest, OfPiecesIsThatOfTheWhole) {
  Hasher hasher;
  hasher.add(asBytes("a"));
  hasher.add(asBytes("bc"));
  EXPECT_EQ(hasher.finish().text(), kOfAbc);
  hasher.add(asBytes("forgotten"));
  hasher.restart();
  hasher.add(asBytes("abc"));
  EXPECT_EQ(hasher.finish().text(), kOfAbc);
}

TEST(DigestTest, OtherFormsAreNotTaken) {
  EXPECT_EQ(Digest::parse(kOfAbc)->text(), kOfAbc);
  std::string upper(kOfAbc);
  upper[7] = 'B';
  for (const std::string& text :
       {std::string(), std::string("sha256:"), std::string(kOfAbc.substr(0, 70)),
        std::string(kOfAbc) + "0", upper, "sha512" + std::string(kOfAbc.substr(6))})
    EXPECT_FALSE(Digest::parse(text)) << text;
}

}  // namespace
}  // namespace nimbus::oci
