#include "base/result.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/task.h"

namespace nimbus {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return number / 2;
}

Result<int> quarter(int number) {
  TRY(const int first, half(number));
  TRY(const int second, half(first));
  return second;
}

Result<void> checkEven(int number) {
  TRY_VOID(half(number));
  return {};
}

Task<Result<int>> quarterLater(int number) {
  CO_TRY(const int first, half(number));
  CO_TRY_VOID(half(first));
  co_return half(first);
}

TEST(Try, BindsTheValue) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_TRUE(checkEven(8));
}

TEST(Try, ReturnsTheFirstError) {
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_EQ(checkEven(3).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Try, MovesMoveOnlyValues) {
  const auto forward = [](Result<std::unique_ptr<int>> in) -> Result<std::unique_ptr<int>> {
    TRY(auto value, std::move(in));
    return value;
  };
  EXPECT_EQ(**forward(std::make_unique<int>(7)), 7);
}

TEST(CoTry, WorksInCoroutines) {
  auto good = quarterLater(8);
  ASSERT_TRUE(good.start());
  EXPECT_EQ(good.take(), 2);
  auto bad = quarterLater(6);
  ASSERT_TRUE(bad.start());
  EXPECT_EQ(bad.take().error().message(), "odd");
}

TEST(Error, DescribesItsCauses) {
  const Error error(ErrorCode::kIo, "cannot read x",
                    Error(ErrorCode::kIo, "open", Error(ErrorCode::kIo, "permission denied")));
  EXPECT_EQ(error.describe(), "cannot read x: open: permission denied");
  EXPECT_EQ(error.cause()->message(), "open");
}

TEST(FailErrno, SaysWhatTheSystemSaid) {
  const Result<int> result = failErrno("open /x", ENOENT);
  EXPECT_EQ(result.error().code(), ErrorCode::kIo);
  EXPECT_EQ(result.error().message(), "open /x: No such file or directory");
}

TEST(ErrorCodeName, IsDistinctForEachCode) {
  std::vector<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kProgramFailed); ++code) {
    names.push_back(errorCodeName(static_cast<ErrorCode>(code)));
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace nimbus
