#pragma once

namespace nimbus {

// Gives to the system what the program has freed and the allocator still holds, of all threads:
// after work that needs far more than what follows. Takes milliseconds.
void releaseFreeMemory();

}  // namespace nimbus
