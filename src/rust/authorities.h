#pragma once

// The authorities that the program brings along. Implemented in src/authorities.rs; wrapped by
// src/engine.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The certificate (X.509, DER) of one of the authorities that Mozilla trusts for servers; null
// beyond the last. It lives for ever.
const uint8_t* nimbus_web_root(size_t index, size_t* size);

#ifdef __cplusplus
}
#endif
