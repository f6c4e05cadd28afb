#pragma once

#include <string_view>

namespace nimbus {

// A descriptor to write to without waiting for its reader. Other processes may share it, so the
// flags of what is open (O_NONBLOCK) are not touched: a pipe or a terminal is opened once more, a
// socket is told with each write, and a file is written to as it is, for no reader is behind it.
// Where a second opening is not allowed, the kernel is asked not to wait; if it cannot do that
// either, nothing is written at once. One thread at a time.
class OutputTarget {
 public:
  enum class Outcome {
    kWritten,  // all of it
    kFull,     // more would have to wait
    kFailed,   // errno says why; what is left will not be taken
  };

  // The caller keeps `descriptor` open until the first write.
  explicit OutputTarget(int descriptor) : given_(descriptor) {}
  OutputTarget(const OutputTarget&) = delete;
  OutputTarget& operator=(const OutputTarget&) = delete;
  ~OutputTarget();

  // Whether it may take a part of a text, and another writer's bytes come before the rest.
  [[nodiscard]] bool mayTear();
  // Both take what they have written from the front of `text`.
  Outcome writeAtOnce(std::string_view& text);
  // Waits for the reader until `wake` is readable, which is kFull.
  Outcome writeWaiting(std::string_view& text, int wake);

 private:
  enum class Kind { kNotOpen, kFile, kSocket, kOwn, kShared };

  void open();
  [[nodiscard]] long writeNow(std::string_view text) const;
  [[nodiscard]] long writeWhenReady(std::string_view text) const;

  const int given_;
  int descriptor_ = -1;
  Kind kind_ = Kind::kNotOpen;
};

}  // namespace nimbus
