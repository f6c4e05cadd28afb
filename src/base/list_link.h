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
