#include "wrpc/resource_table.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace nimbus::wrpc {
namespace {

const ResourceType kCat = {"cat", nullptr};
const ResourceType kDog = {"dog", nullptr};

class Animal final : public Resource {
 public:
  explicit Animal(int& alive) : alive_(alive) { ++alive_; }
  ~Animal() override { --alive_; }

 private:
  int& alive_;
};

class ResourceTableTest : public testing::TestWithParam<HandleForm> {
 protected:
  ResourceTable::Handle insert(const ResourceType& type = kCat) {
    return table_.insert(type, std::make_unique<Animal>(alive_)).value();
  }

  int alive_ = 0;
  ResourceTable table_{GetParam(), 100};
};

INSTANTIATE_TEST_SUITE_P(BothForms, ResourceTableTest,
                         testing::Values(HandleForm::kLocal, HandleForm::kWire));

TEST_P(ResourceTableTest, LendsByHandleAndType) {
  const auto handle = insert();
  EXPECT_EQ(handle.view().size(), GetParam() == HandleForm::kLocal ? 4U : 16U);
  const auto lent = table_.lend(handle.view(), kCat);
  EXPECT_NE(lent.resource, nullptr);
  table_.giveBack(lent.slot);
  EXPECT_EQ(table_.lend(handle.view(), kDog).resource, nullptr);
  EXPECT_EQ(table_.lend({}, kCat).resource, nullptr);
}

TEST_P(ResourceTableTest, TakesOutWhatNobodyBorrows) {
  const auto handle = insert();
  const auto lent = table_.lend(handle.view(), kCat);
  EXPECT_EQ(table_.take(handle.view(), kCat), nullptr);
  table_.giveBack(lent.slot);
  EXPECT_EQ(table_.take(handle.view(), kDog), nullptr);
  EXPECT_NE(table_.take(handle.view(), kCat), nullptr);
  EXPECT_EQ(table_.take(handle.view(), kCat), nullptr);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_P(ResourceTableTest, DropsABorrowedOneWithItsLastBorrow) {
  const auto handle = insert();
  const auto first = table_.lend(handle.view(), kCat);
  const auto second = table_.lend(handle.view(), kCat);
  table_.drop(handle.view());
  EXPECT_EQ(table_.lend(handle.view(), kCat).resource, nullptr);
  table_.drop(handle.view());
  table_.giveBack(first.slot);
  EXPECT_EQ(alive_, 1);
  table_.giveBack(second.slot);
  EXPECT_EQ(alive_, 0);
}

TEST_P(ResourceTableTest, TellsALaterResourceFromOneThatIsGone) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto handle = insert();
    EXPECT_TRUE(seen.emplace(asText(handle.view())).second);
    table_.drop(handle.view());
    EXPECT_EQ(table_.lend(handle.view(), kCat).resource, nullptr);
  }
  EXPECT_EQ(alive_, 0);
}

TEST_P(ResourceTableTest, IsBounded) {
  std::vector<ResourceTable::Handle> handles;
  for (int i = 0; i < 100; ++i) handles.push_back(insert());
  const auto refused = table_.insert(kCat, std::make_unique<Animal>(alive_));
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(alive_, 100);
  table_.drop(handles[50].view());
  EXPECT_TRUE(table_.insert(kCat, std::make_unique<Animal>(alive_)).has_value());
  table_.dropAll();
  EXPECT_EQ(alive_, 0);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_P(ResourceTableTest, IgnoresUnknownHandles) {
  const auto handle = insert();
  std::string other(asText(handle.view()));
  other[0] = static_cast<char>(other[0] + 1);
  table_.drop(asBytes(other));
  table_.drop(asBytes("unknown handle!!"));
  EXPECT_EQ(alive_, 1);
}

}  // namespace
}  // namespace nimbus::wrpc
