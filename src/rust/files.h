#pragma once

// Files that guests open. Implemented in src/engine/files; wrapped by src/engine.

#include <stdint.h>

#include "rust/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

// Calls `found` during the call with each folder that was a volume of the guest which was the last
// to open a file by that descriptor number; not at all if none did. The file may be closed by now.
// Any thread.
void nimbus_volumes_of_file(int32_t descriptor, void* context,
                            void (*found)(void* context, NimbusStr host_path));

#ifdef __cplusplus
}
#endif
