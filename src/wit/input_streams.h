#pragma once

#include "wit/document.h"

namespace nimbus::wit {

// `input-stream` of wasi:io/streams, or another name of it. A call that hands one over carries its
// bytes: on the wire an own<input-stream> is a stream<u8>. Its 0.2 versions only.
[[nodiscard]] bool isInputStream(const Document& document, TypeIndex type);

// Makes the document say so: every own<input-stream> becomes a stream<u8>, and other names of the
// resource are gone from the lists of interfaces and worlds. wasi:io itself keeps it.
void mapInputStreams(Document& document);

}  // namespace nimbus::wit
