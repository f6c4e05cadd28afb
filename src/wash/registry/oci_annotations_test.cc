#include "wash/registry/oci_annotations.h"

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using oci::Annotations;

TEST(OciAnnotationsTest, AreAKeyAndAValue) {
  EXPECT_EQ(parseAnnotation("a.b=c=d ")->first, "a.b");
  EXPECT_EQ(parseAnnotation("a.b=c=d ")->second, "c=d ");
  EXPECT_EQ(parseAnnotation("a=")->second, "");
  for (const std::string_view text : {"", "a", "=b", " =b", "a=\xff"})
    EXPECT_EQ(parseAnnotation(text).error().code(), ErrorCode::kInvalidArgument) << text;
}

TEST(OciAnnotationsTest, HooksWriteLinesOrAnObject) {
  const Annotations both{{"a", "b"}, {"c", "d=e"}};
  EXPECT_EQ(parseHookAnnotations("a=b\n\n c=d=e\r\n").value(), both);
  EXPECT_EQ(parseHookAnnotations(R"( {"a":"b","c":"d=e"} )").value(), both);
  EXPECT_EQ(parseHookAnnotations("").value(), Annotations());
  for (const std::string_view text : {"a", "a=b\nc", "{", R"({"a":7})", R"({"":"a"})", "{}x"})
    EXPECT_FALSE(parseHookAnnotations(text)) << text;
}

TEST(OciAnnotationsTest, AreReadBackAsTheyWereWritten) {
  for (const Annotations& annotations :
       {Annotations{}, Annotations{{"a", "b"}, {"c", ""}}, Annotations{{"a", "b\nc"}, {"d", "e"}}})
    EXPECT_EQ(parseHookAnnotations(hookAnnotations(annotations)).value(), annotations);
}

}  // namespace
}  // namespace nimbus::wash
