#include "base/list_link.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace nimbus {
namespace {

struct Item : ListLink<Item> {
  explicit Item(int number) : number(number) {}
  int number;
};

std::vector<int> takeAll(Item*& list) {
  std::vector<int> numbers;
  while (list != nullptr) {
    numbers.push_back(list->number);
    list->unlink();
  }
  return numbers;
}

TEST(ListLink, TheNewestStandsFirst) {
  Item first(1), second(2);
  Item* list = nullptr;
  first.linkAt(list);
  second.linkAt(list);
  EXPECT_TRUE(first.isListed());
  EXPECT_EQ(takeAll(list), (std::vector{2, 1}));
  EXPECT_FALSE(first.isListed());
}

TEST(ListLink, AnObjectLeavesWhenItDiesWhereverItStands) {
  for (int dead = 0; dead < 3; ++dead) {
    std::vector<std::unique_ptr<Item>> items;
    Item* list = nullptr;
    std::vector<int> expected;
    for (int number = 0; number < 3; ++number) {
      items.push_back(std::make_unique<Item>(number));
      items.back()->linkAt(list);
      if (number != dead) expected.insert(expected.begin(), number);
    }
    items[static_cast<std::size_t>(dead)].reset();
    EXPECT_EQ(takeAll(list), expected) << dead;
  }
}

TEST(ListLink, LeavingTwiceIsLeavingOnce) {
  Item item(1), other(2);
  Item* list = nullptr;
  other.linkAt(list);
  item.linkAt(list);
  item.unlink();
  item.unlink();
  EXPECT_EQ(takeAll(list), std::vector{2});
}

TEST(ListLink, AListThatIsMovedKeepsItsOrderAndItsObjectsTheirPlaces) {
  Item first(1), second(2);
  Item* from = nullptr;
  Item* to = nullptr;
  first.linkAt(from);
  second.linkAt(from);
  Item::moveAll(from, to);
  EXPECT_EQ(from, nullptr);
  EXPECT_EQ(to->next(), &first);
  EXPECT_EQ(first.next(), nullptr);
  second.unlink();
  EXPECT_EQ(takeAll(to), std::vector{1});
  Item::moveAll(from, to);
  EXPECT_EQ(to, nullptr);
}

TEST(ListLink, MovedObjectsComeBeforeTheOthersOldestFirst) {
  Item first(1), second(2), waiting(3);
  Item* from = nullptr;
  Item* to = nullptr;
  waiting.linkAt(to);
  first.linkAt(from);
  second.linkAt(from);
  Item::moveReversed(from, to);
  EXPECT_EQ(from, nullptr);
  EXPECT_EQ(takeAll(to), (std::vector{1, 2, 3}));
}

}  // namespace
}  // namespace nimbus
