#pragma once

#include <cstdint>

// The file descriptors of this process, of which every connection and every open file takes one.
namespace nimbus::net {

// Takes the numbers of those standard streams that the process was started without, so that no file
// or socket gets what is written to them. To write there, or to read, fails as before. Before
// anything is opened.
void reserveStandardDescriptors();

// Raises the soft limit to the hard one, but not beyond a million, which some programs that are
// started from here could not cope with. Returns what then is the limit. At the start of main.
std::uint64_t raiseDescriptorLimit();

[[nodiscard]] std::uint64_t descriptorLimit();
// How many are open; reads a folder of /proc, so not for every request. 0 if that cannot be read.
[[nodiscard]] std::uint64_t openDescriptors();

// How often a connection could not be accepted because the process or the system had none left.
// Any thread.
[[nodiscard]] std::uint64_t descriptorShortages();
void noteDescriptorShortage();

}  // namespace nimbus::net
