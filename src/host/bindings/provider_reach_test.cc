#include "host/bindings/provider_reach.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(ProviderReachTest, NothingIsWrongUntilSomethingIs) {
  ProviderReach reach;
  EXPECT_FALSE(reach.missing());
  EXPECT_EQ(reach.problem(), "");
  reach.found();
  EXPECT_EQ(reach.problem(), "");
}

TEST(ProviderReachTest, TellsWhyNobodyIsThereUntilSomebodyIs) {
  ProviderReach reach;
  reach.failed(Error(ErrorCode::kUnavailable, "nobody listens at unix:/x"));
  EXPECT_TRUE(reach.missing());
  EXPECT_EQ(reach.problem(), "nobody listens at unix:/x");
  reach.failed(Error(ErrorCode::kNotFound, "nobody listens to default.kv"));
  EXPECT_EQ(reach.problem(), "nobody listens to default.kv") << "the latest";
  reach.found();
  EXPECT_FALSE(reach.missing());
  EXPECT_EQ(reach.problem(), "");
}

TEST(ProviderReachTest, WhatOnlyConcernsOneCallSaysNothing) {
  ProviderReach reach;
  for (const ErrorCode code : {ErrorCode::kProtocol, ErrorCode::kDeadlineExceeded,
                               ErrorCode::kResourceExhausted, ErrorCode::kInvalidArgument})
    reach.failed(Error(code, "no"));
  EXPECT_FALSE(reach.missing());
}

}  // namespace
}  // namespace nimbus::host
