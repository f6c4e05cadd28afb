#pragma once

#include <utility>

namespace nimbus {

// What an object of type T inherits to stand in at most one list and to leave it by itself, when it
// dies or earlier. A list is a `T*` to its first object, null when empty; whoever owns that pointer
// keeps it where it is while the list has objects, and empties the list before it dies. Costs two
// words and no allocation. One thread.
template <typename T>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;

  [[nodiscard]] bool isListed() const { return link_ != nullptr; }

  // Puts the object first. It must not be listed.
  void linkAt(T*& first) {
    next_ = std::exchange(first, static_cast<T*>(this));
    if (next_ != nullptr) linkOf(*next_) = &next_;
    link_ = &first;
  }

  // Leaves the list; nothing if not listed.
  void unlink() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) linkOf(*next_) = link_;
    link_ = nullptr;
  }

  // Its neighbour in the list; null for the last. For a listed object only.
  [[nodiscard]] T* next() const { return next_; }

  // Moves all objects of `from` in their order to `to`, which is empty.
  static void moveAll(T*& from, T*& to) {
    to = std::exchange(from, nullptr);
    if (to != nullptr) linkOf(*to) = &to;
  }

  // Moves all objects of `from` before those of `to`, in reverse: lists are filled from the front,
  // so the oldest comes first.
  static void moveReversed(T*& from, T*& to) {
    while (from != nullptr) {
      T& object = *from;
      object.unlink();
      object.linkAt(to);
    }
  }

 protected:
  ~ListLink() { unlink(); }

 private:
  static T**& linkOf(ListLink& object) { return object.link_; }

  T* next_ = nullptr;
  T** link_ = nullptr;  // where the list points at this object; null while not listed
};

}  // namespace nimbus
