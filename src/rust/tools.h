#pragma once

// The C ABI of the component tooling: what a binary is, its world as WIT text or as a document,
// validation, and turning core modules and WebAssembly text into components. Implemented in
// src/tools.rs and its modules; wrapped by src/wit.
//
// Conventions
//  * Every function returns 0 and fills `*out`, or returns 1 and fills `*error` with a message in
//    UTF-8 for a user to read. The buffer that is not filled is left empty. A message that begins
//    with "internal: " reports a bug, not bad input.
//  * The caller gives every buffer that was filled to nimbus_buffer_free.
//  * Functions keep nothing of their input, share no state and may run on any thread.
//  * The input may be hostile: sizes and nesting are bounded, no panic crosses, and no input ends
//    the process. Binaries have at most 256 MiB, texts at most 8 MiB (WIT) or 64 MiB (WAT).

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Memory that the library owns. All zero: empty.
typedef struct {
  uint8_t* data;
  size_t size;
  size_t capacity;
} NimbusBuffer;

// Frees the memory and makes the buffer empty. An empty buffer and a null pointer are fine.
void nimbus_buffer_free(NimbusBuffer* buffer);

// JSON: what the binary is and what it is called with.
//   {"type": "component" | "module" | "unknown",
//    "async": bool,             a component that needs component-model async (streams, async calls)
//    "preview1": bool,          a module that imports wasi_snapshot_preview1
//    "world": bool,             a module in which bindings have left its world
//    "entry": "command" | "reactor" | null,   a module that exports _start, or _initialize
//    "imports": [{"name", "kind"}], "exports": [{"name", "kind"}]}
// An import or export under a label has "implements" too: the interface that it stands for. Names
// of a component are as in the binary, with version ("wasi:http/types@0.2.10"). Imports of a module
// are the names of the modules that it imports from, each once. Kinds: "instance", "component",
// "module", "func", "type", "value", "memory", "table", "global", "tag". "unknown" is what does not
// begin like WebAssembly; a binary that does and is broken is an error.
int32_t nimbus_tools_classify(const uint8_t* data, size_t size, NimbusBuffer* out,
                              NimbusBuffer* error);

// JSON: what the binary says of itself, and what it asks for.
//   {"name", "version", "description", "authors", "licenses", "source", "homepage", "revision":
//      string | null,
//    "producers": {field: {name: version}},   of the binary and all modules inside
//    "size": bytes, "components": nested ones, "modules": core modules, "tables": defined tables,
//    "memories": [{"initialPages", "maximumPages": number | null, "pageBytes", "memory64",
//                  "shared"}],                defined memories
//    "sections": {kind: bytes}}               contents of the sections, over all levels
int32_t nimbus_tools_metadata(const uint8_t* data, size_t size, NimbusBuffer* out,
                              NimbusBuffer* error);

// The resolved world of a component, or an encoded WIT package, as docs/formats/wit-json.md says.
int32_t nimbus_tools_world_json(const uint8_t* data, size_t size, NimbusBuffer* out,
                                NimbusBuffer* error);

// The same as WIT text: the package of the world, then the packages that it uses.
int32_t nimbus_tools_world_wit(const uint8_t* data, size_t size, NimbusBuffer* out,
                               NimbusBuffer* error);

typedef struct {
  const uint8_t* path;  // UTF-8; for messages, and for the layout below
  size_t path_size;
  const uint8_t* text;  // UTF-8
  size_t text_size;
} NimbusWitFile;

#ifdef __cplusplus
static_assert(sizeof(NimbusBuffer) == 3 * sizeof(void*), "see src/tools/abi.rs");
static_assert(sizeof(NimbusWitFile) == 4 * sizeof(void*), "see src/tools/abi.rs");
static_assert(offsetof(NimbusBuffer, size) == sizeof(void*), "see src/tools/abi.rs");
static_assert(offsetof(NimbusBuffer, capacity) == 2 * sizeof(void*), "see src/tools/abi.rs");
static_assert(offsetof(NimbusWitFile, text) == 2 * sizeof(void*), "see src/tools/abi.rs");
#endif

// The same document from WIT text. The files are those of one `wit` folder: what lies below a
// folder `deps` belongs to other packages, one per file or folder there; the rest is the main
// package. Errors begin with "path:line:column: ".
int32_t nimbus_tools_parse_wit(const NimbusWitFile* files, size_t count, NimbusBuffer* out,
                               NimbusBuffer* error);

// JSON: the main package of the files, and the packages that it needs directly. Nothing has to be
// there of them.
//   {"package": {"name": "acme:web", "version": string | null}, "needs": [the same, …]}
int32_t nimbus_tools_wit_needs(const NimbusWitFile* files, size_t count, NimbusBuffer* out,
                               NimbusBuffer* error);

// Memory of the caller; names are UTF-8.
typedef struct {
  const uint8_t* data;
  size_t size;
} NimbusView;

typedef struct {
  NimbusView name;  // for messages
  NimbusView wasm;  // an encoded WIT package
} NimbusEncodedWit;

// What the main package of the files needs, directly or not, from the dependencies among the files
// and from the encoded packages, which hold what they need in turn. Of a package that is in several
// of them everything is taken; where two differ, texts go before binaries, and those before later
// ones. `*out` is a list as nimbus_tools_guest_bindings gives it: for each package, by name,
// "wasi:http@0.2.3" and its text.
int32_t nimbus_tools_gather_wit(const NimbusWitFile* files, size_t count,
                                const NimbusEncodedWit* packages, size_t package_count,
                                NimbusBuffer* out, NimbusBuffer* error);

// The main package of the files as a binary, named and versioned, with what it needs of others.
int32_t nimbus_tools_encode_wit(const NimbusWitFile* files, size_t count, NimbusBuffer* out,
                                NimbusBuffer* error);

// Proposals that validation accepts beyond those that are finished and those that WASI 0.3 needs.
enum {
  NIMBUS_FEATURE_WIDE_ARITHMETIC = 1 << 0,
  NIMBUS_FEATURE_CUSTOM_PAGE_SIZES = 1 << 1,
  NIMBUS_FEATURE_COMPONENT_ASYNC_MORE = 1 << 2,  // stackful lift, threads, error-context
  NIMBUS_FEATURE_COMPONENT_MORE = 1 << 3,        // maps, fixed-length lists, implements, 64 bit
  NIMBUS_FEATURE_ALL = 1 << 30,                  // whatever the library knows
};
// Beside them: what functions do is not looked at, only their types.
enum { NIMBUS_VALIDATE_WITHOUT_BODIES = 1 << 29 };

// Validates a module or a component; the error ends with "(at offset 0x…)".
// On success `*out` is empty.
int32_t nimbus_tools_validate(const uint8_t* data, size_t size, uint32_t features,
                              NimbusBuffer* out, NimbusBuffer* error);

typedef enum {
  NIMBUS_PREVIEW1_AUTO = 0,     // by what the module exports: command with _start, else reactor
  NIMBUS_PREVIEW1_COMMAND = 1,  // exports wasi:cli/run
  NIMBUS_PREVIEW1_REACTOR = 2,  // exports what its embedded world says
  NIMBUS_PREVIEW1_PROXY = 3,    // a reactor without files, environment and sockets
} NimbusPreview1Kind;

// A preview 1 module as a validated component, through the standard adapter.
int32_t nimbus_tools_wrap_preview1(const uint8_t* data, size_t size, int32_t kind,
                                   NimbusBuffer* out, NimbusBuffer* error);

// A core module made for `world` of the main package of `files` as a validated component. An empty
// `world` means the only one. Imports of preview 1 go through the reactor adapter.
int32_t nimbus_tools_encode(const uint8_t* data, size_t size, const NimbusWitFile* files,
                            size_t count, const uint8_t* world, size_t world_size,
                            NimbusBuffer* out, NimbusBuffer* error);

// A core module that needs nothing but itself: bindings have left its world in it, or it is a
// command of preview 1. As a validated component; imports of preview 1 go through the standard
// adapter.
int32_t nimbus_tools_componentize(const uint8_t* data, size_t size, NimbusBuffer* out,
                                  NimbusBuffer* error);

typedef enum {
  NIMBUS_GUEST_C = 0,
  NIMBUS_GUEST_GO = 1,
} NimbusGuestLanguage;

// The bindings of a component for `world` of the main package of `files`, in its own language. An
// empty `world` means the only one. For Go, `package` is the import path of the folder that the
// files will be in, and `exports_package` that of the folder with the packages that the user
// writes, one per exported interface; what the bindings run on is among the files. `*out` is a list
// of files: for each the size of its path, its path in UTF-8, relative and with slashes, the size
// of its contents, the contents; sizes are 8 bytes, least significant first.
int32_t nimbus_tools_guest_bindings(int32_t language, const NimbusWitFile* files, size_t count,
                                    const uint8_t* world, size_t world_size, const uint8_t* package,
                                    size_t package_size, const uint8_t* exports_package,
                                    size_t exports_package_size, NimbusBuffer* out,
                                    NimbusBuffer* error);

// WebAssembly text, a module or a component, as a binary. `path` is for messages and may be empty.
int32_t nimbus_tools_wat(const uint8_t* text, size_t text_size, const uint8_t* path,
                         size_t path_size, NimbusBuffer* out, NimbusBuffer* error);

// --- composition ---------------------------------------------------------------------------------

typedef struct {
  NimbusView name;  // for messages
  NimbusView wasm;  // a component
} NimbusComposePart;

// The import of one part is the export of another. Parts are given by index, names as in the
// binaries, with version.
typedef struct {
  size_t importer;
  NimbusView import_name;
  size_t exporter;
  NimbusView export_name;
} NimbusComposeLink;

// An import that is the part's own: the result imports it under this label, which is a plain name
// that nothing else has, beside the name of the interface (`implements`).
typedef struct {
  size_t part;
  NimbusView import_name;
  NimbusView label;
} NimbusComposeLabel;

#ifdef __cplusplus
static_assert(sizeof(NimbusEncodedWit) == 4 * sizeof(void*), "see src/tools/abi.rs");
static_assert(sizeof(NimbusComposePart) == 4 * sizeof(void*), "see src/tools/abi.rs");
static_assert(sizeof(NimbusComposeLink) == 6 * sizeof(void*), "see src/tools/abi.rs");
static_assert(sizeof(NimbusComposeLabel) == 5 * sizeof(void*), "see src/tools/abi.rs");
#endif

// The parts as one validated component with the interfaces and functions that part `root` exports.
// Imports that are neither linked nor labelled are imported once for all parts; of compatible
// versions, the newest. The same input gives the same bytes. At most 64 parts, 256 MiB together.
int32_t nimbus_tools_compose(const NimbusComposePart* parts, size_t part_count,
                             const NimbusComposeLink* links, size_t link_count,
                             const NimbusComposeLabel* labels, size_t label_count, size_t root,
                             NimbusBuffer* out, NimbusBuffer* error);

// How a component is taken apart.
typedef struct {
  size_t min_code_bytes;    // only if one of its core modules has as much code
  size_t large_code_bytes;  // those with as much, and an eighth of what the largest has, are
                            // several, of which an edit changes few
  uint32_t first;           // the number of the first module
  uint32_t which;           // of several that may be alike but for their code
} NimbusSplitOptions;

// Takes all core modules out of a component: each as one of its data, if that can be told from its
// code, and one without. What is left imports them, the n-th as "nimbus-part-m<n>" from `first` on,
// and does what the component did. `layouts` is what came with the one that was taken apart before,
// or nothing.
// The output is what is left, the modules without code, those with code, and layouts, every one
// behind its kind (a byte) and its size (64 bits, least byte first). Nothing if none has enough
// code, if a large one does not give its data away, or if the component passes modules around.
enum {
  NIMBUS_PIECE_REST = 0,
  NIMBUS_PIECE_DATA = 1,
  NIMBUS_PIECE_CODE = 2,
  NIMBUS_PIECE_LAYOUTS = 3,
};
int32_t nimbus_tools_split(const uint8_t* data, size_t size, const NimbusSplitOptions* options,
                           const uint8_t* layouts, size_t layouts_size, NimbusBuffer* out,
                           NimbusBuffer* error);

#ifdef __cplusplus
}
#endif
