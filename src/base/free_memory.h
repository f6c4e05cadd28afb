#pragma once

namespace nimbus {

// Gives to the system what the program has freed and the allocator still holds, of all threads:
// after work that needs far more than what follows. Takes milliseconds.
void releaseFreeMemory();

// From now on large blocks that are freed stay with the allocator, for as long as nobody calls
// releaseFreeMemory(): for work that needs some of them again and again, where to get them page by
// page is most of it.
void keepLargeBlocks();

}  // namespace nimbus
