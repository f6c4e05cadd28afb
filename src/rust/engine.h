#pragma once

// The C ABI of Wasmtime as Nimbus uses it. Implemented in src/engine.rs and its modules; wrapped by
// src/engine. Without policy: the caller decides what runs, when it ends and what it may reach.
// Conventions:
//  * Every function catches panics; none lets an exception or a panic cross.
//  * Functions that can fail return null or a negative number and leave a message in
//    nimbus_last_error(), which belongs to the calling thread until its next call.
//  * Callbacks must not throw, and must not call back into the object that is being polled.
//  * Sizes of structs that cross are asserted on both sides.

#include <stddef.h>
#include <stdint.h>

#include "rust/network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NimbusBudget NimbusBudget;          // bytes of linear memory of the whole host
typedef struct NimbusEngine NimbusEngine;          // a Wasmtime engine with its pool and linker
typedef struct NimbusComponent NimbusComponent;    // native code of one component
typedef struct NimbusCoreModule NimbusCoreModule;  // native code of one module of a component
typedef struct NimbusLinked NimbusLinked;          // a component whose imports are resolved
typedef struct NimbusContext NimbusContext;      // what instances may see: environment, volumes, …
typedef struct NimbusExchange NimbusExchange;    // one HTTP request and its response
typedef struct NimbusCall NimbusCall;            // one call on a fresh instance
typedef struct NimbusWorker NimbusWorker;        // one warm instance that serves many calls
typedef struct NimbusEgress NimbusEgress;        // one outgoing HTTP request of a guest
typedef struct NimbusGuest NimbusGuest;          // an instance whose exports are called
typedef struct NimbusGuestCall NimbusGuestCall;  // a call of one of them
typedef struct NimbusReplySlot NimbusReplySlot;  // where the answer of an import call goes
typedef struct NimbusOutlet NimbusOutlet;        // the reading end of a guest's stream or future
typedef struct NimbusWaker NimbusWaker;          // wakes a guest that waits for a channel

typedef struct {
  const uint8_t* data;
  size_t size;
} NimbusStr;

typedef struct {
  NimbusStr name;
  NimbusStr value;
} NimbusField;

// Memory that changes hands. `release(owner)` is called once, from any thread; with a null release
// the receiver copies during the call.
typedef struct {
  const uint8_t* data;
  size_t size;
  void* owner;
  void (*release)(void* owner);
} NimbusOwnedBytes;

// Bytes in pieces that change hands. `release(owner)` is called once, from any thread, and the list
// and the pieces live until then; with a null release the receiver copies during the call.
typedef struct {
  const NimbusStr* pieces;
  size_t count;
  void* owner;
  void (*release)(void* owner);
} NimbusPieces;

// --- waking --------------------------------------------------------------------------------------

// `wake(queue, token)` says that the thing with this token wants to be polled; any thread, also
// while it is being polled and after it is gone, so tokens are never used twice. `release(queue)`
// is called once, when the last waker is dropped.
typedef struct {
  void (*wake)(void* queue, uint64_t token);
  void (*release)(void* queue);
  void* queue;
  uint64_t token;
} NimbusWake;

// --- streams and futures -------------------------------------------------------------------------
//
// Among encoded values stands one byte 0 for each; what comes through them goes beside, on channels
// that are named by their paths (docs/formats/wrpc-values.md): a stream as lists and an empty list,
// a future as its value once. All of this on the thread that polls the instance.

typedef enum {
  NIMBUS_CHANNEL_DATA = 0,
  NIMBUS_CHANNEL_PENDING = 1,
  NIMBUS_CHANNEL_END = 2,     // the writer has ended it
  NIMBUS_CHANNEL_BROKEN = 3,  // it was broken off
} NimbusChannelStatus;

// From a guest. The outlet is the receiver's (nimbus_outlet_free), the path lives during the call.
typedef struct {
  const uint32_t* path;
  size_t path_length;
  NimbusOutlet* outlet;
} NimbusOutgoing;

// Returns a NimbusChannelStatus, with DATA in `*bytes` whole lists or the value, which follow the
// contract of NimbusOwnedBytes. The guest can write on once its bytes were read.
int32_t nimbus_outlet_read(NimbusOutlet* outlet, NimbusOwnedBytes* bytes);
// Woken when something comes after a read that returned PENDING. What a guest writes comes within a
// poll, or while the instance goes; an input stream of WASI 0.2 that it gave away is the host's
// own, and may wake on any thread.
void nimbus_outlet_watch(NimbusOutlet* outlet, NimbusWake wake);
// Tells the guest that nobody reads.
void nimbus_outlet_free(NimbusOutlet* outlet);

// What a read of a channel gave: one field is set, by the status that is returned with it. The
// error lives until the next read.
typedef struct {
  NimbusPieces bytes;  // DATA
  NimbusStr error;     // BROKEN
} NimbusIncoming;

// To a guest. Called within polls, and while the instance goes.
typedef struct {
  // The channel at that path, as the token of `read` and `close`; null: there is none.
  void* (*take)(void* channels, const uint32_t* path, size_t path_length);
  // No more will be taken. Those that were go on.
  void (*release)(void* channels);
  // Returns a NimbusChannelStatus. The waker is the callee's: it wakes or frees it, and does so
  // with the one before if it is asked again while PENDING.
  int32_t (*read)(void* channel, NimbusWaker* waker, NimbusIncoming* incoming);
  // The guest reads no more.
  void (*close)(void* channel);
} NimbusChannelCalls;

// `calls` live for ever; null `channels`: there are none.
typedef struct {
  void* channels;
  const NimbusChannelCalls* calls;
} NimbusChannels;

void nimbus_waker_wake(NimbusWaker* waker);
void nimbus_waker_free(NimbusWaker* waker);

// --- process -------------------------------------------------------------------------------------

const char* nimbus_last_error(void);
const char* nimbus_engine_version(void);  // "wasmtime 48.0.8"

// Memory of all instances of all engines made with it: linear memory, whose growth beyond
// `limit_bytes` fails, and what they keep in the host beyond a little (src/engine/heads.rs).
NimbusBudget* nimbus_budget_new(uint64_t limit_bytes);
uint64_t nimbus_budget_used(const NimbusBudget* budget);
void nimbus_budget_free(NimbusBudget* budget);

// --- engine --------------------------------------------------------------------------------------

typedef enum {
  NIMBUS_PROPOSAL_WIDE_ARITHMETIC = 1,
  NIMBUS_PROPOSAL_COMPONENT_MODEL_MAP = 2
} NimbusProposal;

typedef struct {
  uint8_t concurrency;   // 1: WASI 0.3 and component-model async; 0: WASI 0.2 only, faster
  uint8_t pooling;       // 1: slots for memories, tables and stacks are reserved at the start
  uint8_t pagemap_scan;  // 1: reset only pages that were written, where the kernel can tell
  // What is inlined when compiling: 0 nothing, 1 calls between the modules and components inside of
  // a component, 2 everything (more code, slower compile).
  uint8_t inlining;
  uint32_t instances;          // component instances at once
  uint32_t core_instances;     // of all component instances together
  uint32_t memories;           // same
  uint32_t tables;             // same
  uint32_t table_elements;     // of one table
  uint32_t proposals;          // of NimbusProposal: those that are on besides the finished ones
  uint64_t max_memory_bytes;   // of one linear memory
  uint64_t memory_keep_bytes;  // of a linear memory that stay resident between instances
  uint64_t table_keep_bytes;   // same, for tables
  uint64_t stack_keep_bytes;   // same, for stacks
  uint64_t stack_bytes;        // of one guest stack
  // Native code of single functions that is kept in memory, so that a component like an earlier one
  // is compiled in less time; 0 keeps none.
  uint64_t function_cache_bytes;
  uint64_t parts_per_component;  // core instances, memories and tables: at most so many of each
} NimbusEngineConfig;

NimbusEngine* nimbus_engine_new(const NimbusEngineConfig* config, const NimbusBudget* budget);
void nimbus_engine_free(NimbusEngine* engine);
// One tick of the clock that ends the time slices of guests: first this, once for the process, then
// nimbus_engine_tick for each engine. A guest that computes for a whole slice yields to its poller
// (NIMBUS_POLL_CUT_SHORT); one that did so has slices of one tick until it waits for something.
// Returns whether any has yielded since the tick before.
int32_t nimbus_tick(uint32_t slice_ticks);
void nimbus_engine_tick(const NimbusEngine* engine);
// 16 bytes that differ whenever native code of one engine would not run in another.
void nimbus_engine_fingerprint(const NimbusEngine* engine, uint8_t out[16]);

// --- component -----------------------------------------------------------------------------------

// Compiles a component, or a core module taken out of one (nimbus_tools_split), into `*code`
// (release it). Takes a while. 0 if done, -1 if it is not valid, -2 if there is no thread for it.
int32_t nimbus_compile(const NimbusEngine* engine, NimbusStr wasm, uint8_t core_module,
                       NimbusOwnedBytes* code);
// `path`: a file to map, of what nimbus_compile made on this machine, verified by the caller.
NimbusComponent* nimbus_component_map(const NimbusEngine* engine, NimbusStr path);
NimbusComponent* nimbus_component_load(const NimbusEngine* engine, NimbusStr code);
void nimbus_component_free(NimbusComponent* component);
NimbusCoreModule* nimbus_core_module_map(const NimbusEngine* engine, NimbusStr path);
NimbusCoreModule* nimbus_core_module_load(const NimbusEngine* engine, NimbusStr code);
// Of WebAssembly without functions: there is nothing to compile.
NimbusCoreModule* nimbus_core_module_of_data(const NimbusEngine* engine, NimbusStr wasm);
void nimbus_core_module_free(NimbusCoreModule* module);

typedef struct {
  uint32_t memories, tables;
  uint64_t max_initial_memory_bytes, max_initial_table_elements;  // of one of them
  uint64_t code_bytes;
} NimbusComponentNeeds;
void nimbus_component_needs(const NimbusComponent* component, NimbusComponentNeeds* needs);

typedef enum {
  NIMBUS_KIND_HTTP_P2 = 0,     // exports wasi:http/incoming-handler@0.2
  NIMBUS_KIND_HTTP_P3 = 1,     // exports wasi:http/handler@0.3
  NIMBUS_KIND_COMMAND_P2 = 2,  // exports wasi:cli/run@0.2
  NIMBUS_KIND_COMMAND_P3 = 3,  // exports wasi:cli/run@0.3
  NIMBUS_KIND_LIBRARY = 4,     // nothing to run by itself
} NimbusKind;

// Resolves all imports for that use: those of WASI by the engine itself, of `modules` in order what
// was taken out of it (they may be freed afterwards), all others by NimbusHostCalls. The error
// names the import that cannot be resolved, and why. `single`: no component inside calls another,
// so that after a trap the call that ran can be told.
NimbusLinked* nimbus_linked_new(const NimbusEngine* engine, const NimbusComponent* component,
                                int32_t kind, uint8_t single,
                                const NimbusCoreModule* const* modules, size_t module_count);
enum { NIMBUS_MAX_SLOTS = 16 };  // components that can be composed into one

// An import under a label of its own. Instances see of it what the context of that slot says.
typedef struct {
  NimbusStr label;
  NimbusStr interface_name;  // that it stands for, with version
  uint32_t slot;
} NimbusLabel;

// The same for a component composed of `slots` others. Its instances need as many contexts (see
// nimbus_context_join). What has no label is imported for all, and sees the first, if that matters.
NimbusLinked* nimbus_linked_new_composed(const NimbusEngine* engine,
                                         const NimbusComponent* component, int32_t kind,
                                         const NimbusLabel* labels, size_t label_count,
                                         size_t slots, const NimbusCoreModule* const* modules,
                                         size_t module_count);
void nimbus_linked_free(NimbusLinked* linked);

// What NimbusHostCalls must serve: imports with functions or resources, and the functions of all of
// them. Names live as long as `linked`.
typedef struct {
  NimbusStr name;       // as in the binary: an interface or a label; empty: the world itself
  NimbusStr interface;  // that it implements: the same unless the name is a label
  // 1: wasi:http/incoming-handler or wasi:http/handler. It has no functions here: each request
  // comes by egress_start, with this import's index.
  uint8_t takes_requests;
} NimbusImport;

typedef struct {
  NimbusStr wire_name;    // "get", "bucket.get", "bucket" for the constructor
  uint32_t import_index;  // of the import that it belongs to
  uint8_t is_async;
} NimbusImportFunction;

// A function that a component exports, whatever kind it is linked as.
typedef struct {
  NimbusStr instance;   // as in the binary; empty: the world itself
  NimbusStr wire_name;  // as above
  NimbusStr refused;    // why it cannot be called; empty: it can
  // Owned resources of providers of the component's imports are among the parameters: their handles
  // stand there as import_call's results have them, and whether the instance's own session with
  // that provider knows them is for the caller to see to.
  uint8_t takes_provided;
} NimbusExportFunction;

size_t nimbus_linked_export_count(const NimbusLinked* linked);
void nimbus_linked_export(const NimbusLinked* linked, size_t index, NimbusExportFunction* out);

size_t nimbus_linked_import_count(const NimbusLinked* linked);
void nimbus_linked_import(const NimbusLinked* linked, size_t index, NimbusImport* out);
size_t nimbus_linked_function_count(const NimbusLinked* linked);
void nimbus_linked_function(const NimbusLinked* linked, size_t index, NimbusImportFunction* out);

// --- context -------------------------------------------------------------------------------------

typedef enum {
  NIMBUS_STDIO_NONE = 0,
  NIMBUS_STDIO_INHERIT = 1,
  NIMBUS_STDIO_LINES = 2
} NimbusStdio;

typedef struct {
  NimbusStr method;
  NimbusStr scheme;  // "http" or "https"
  NimbusStr authority;
  NimbusStr path;  // with query
  const NimbusField* headers;
  size_t header_count;
  int64_t connect_timeout_ns;        // -1: none given
  int64_t first_byte_timeout_ns;     // same
  int64_t between_bytes_timeout_ns;  // same
  uint32_t import;                   // to whose provider it goes; UINT32_MAX: out of the workload
} NimbusEgressRequest;

typedef enum {
  NIMBUS_IMPORT_DONE = 0,
  NIMBUS_IMPORT_PENDING = 1,
  NIMBUS_IMPORT_FAILED = 2
} NimbusImportStatus;

// How an import call began: what belongs to the status that is returned with it is set. What it
// points at lives until the instance's next import call.
typedef struct {
  NimbusPieces results;     // DONE
  NimbusChannels channels;  // DONE: among the results; the engine releases them
  NimbusStr error;          // FAILED: the guest traps with this message
  void* call;               // PENDING: the token that import_suspended and import_cancel get
} NimbusImportReply;

// What instances ask of the host. `context` is the pointer given to nimbus_context_new. All may be
// called from any thread.
typedef struct {
  void* context;
  void (*release)(void* context);  // the last instance is gone
  // A whole line (without its end, at most 8 KiB) that a guest printed; stream 1 or 2.
  void (*print)(void* context, int32_t stream, NimbusStr line);
  // 1: the guest may use this address (NimbusSocketUse). `bytes` are 4 or 16, network order.
  int32_t (*socket_allowed)(void* context, int32_t use, const uint8_t* bytes, size_t size,
                            uint16_t port);
  // 1: the guest may look up this name.
  int32_t (*lookup_allowed)(void* context, NimbusStr name);
  // A socket is about to be made, or to leave the workload. 1: it may, and socket_closed follows
  // with the same NimbusSocketCount, on any thread; 0: there are as many as there may be; 2: the
  // guest may have none.
  int32_t (*socket_opened)(void* context, int32_t count);
  void (*socket_closed)(void* context, int32_t count);
  // A file is about to be opened. 1: it may be, and file_closed follows.
  int32_t (*file_opened)(void* context);
  void (*file_closed)(void* context);
  // A request begins that leaves the component. The callee owns `egress` (nimbus_egress_free) and
  // returns the token that the calls below get; the last of them is egress_release.
  void* (*egress_start)(void* context, NimbusEgress* egress, const NimbusEgressRequest* request);
  void (*egress_body)(void* token, NimbusOwnedBytes bytes);  // a piece of the request's content
  void (*egress_body_end)(void* token, const NimbusField* trailers, size_t count);
  void (*egress_body_error)(void* token);              // the guest gave its content up
  void (*egress_consumed)(void* token, size_t bytes);  // of the response's content
  void (*egress_cancel)(void* token);                  // the guest lost interest
  void (*egress_release)(void* token);
  // Imports that the engine does not have itself. All calls of one instance come from the thread
  // that polls it, or drops it. imports_open: before its first call; returns the token of the
  // calls below.
  void* (*imports_open)(void* context);
  // The guest calls the function with that index (see nimbus_linked_function). `params` follow the
  // contract of NimbusOwnedBytes. Values are in the wRPC encoding. `deadline_ns`: on the steady
  // clock; 0: none. Returns a NimbusImportStatus. While it is PENDING the guest's other tasks go
  // on, or if the function is not async the whole instance waits.
  int32_t (*import_call)(void* imports, uint32_t function, NimbusOwnedBytes params,
                         int64_t deadline_ns, NimbusImportReply* reply);
  // Follows each PENDING. The callee owns the slot until nimbus_reply, _error or _free.
  void (*import_suspended)(void* call, NimbusReplySlot* slot);
  // The guest is gone, or cancelled: no answer is wanted. Not called once there was one.
  void (*import_cancel)(void* call);
  // The guest dropped a resource that a function of this import gave it.
  void (*import_drop)(void* imports, uint32_t import_index, NimbusStr handle);
  void (*imports_close)(void* imports);  // the instance is gone
  // The streams and futures among the parameters of the import_call that follows.
  void (*import_channels)(void* imports, const NimbusOutgoing* channels, size_t count);
} NimbusHostCalls;

typedef struct {
  NimbusStr host_path;
  NimbusStr guest_path;
  uint8_t read_only;
} NimbusVolume;

typedef struct {
  const NimbusField* environment;  // name, value
  size_t environment_count;
  const NimbusStr* arguments;
  size_t argument_count;
  const NimbusVolume* volumes;
  size_t volume_count;
  uint64_t max_memory_bytes;     // linear memory of one instance, all its memories together
  uint64_t max_table_elements;   // of one instance, all its tables together
  uint64_t egress_window_bytes;  // of content in flight each way per outgoing request
  uint64_t lookup_timeout_ns;    // of each name, with the wait for its turn
  const NimbusNetwork* network;  // null: none
  uint32_t max_handles;          // of one instance: resources of the host that it holds at once
  uint8_t stdio;                 // NimbusStdio
  uint8_t max_lookups;           // of names, at once; others wait for their turn
  uint8_t reserved[2];           // 0
} NimbusContextConfig;

// Opens nothing yet; volumes are opened for each instance.
NimbusContext* nimbus_context_new(const NimbusContextConfig* config, const NimbusHostCalls* calls);
// The contexts of components that were composed, in the order of their slots; the limits are those
// of the first. The parts may be freed at once.
NimbusContext* nimbus_context_join(const NimbusContext* const* contexts, size_t count);
void nimbus_context_free(NimbusContext* context);

// Ends a call that was PENDING and its slot: the guest goes on at its next poll. Only on the thread
// that polls it, but not within a poll.
void nimbus_reply(NimbusReplySlot* slot, NimbusPieces results, NimbusChannels channels);
void nimbus_reply_error(NimbusReplySlot* slot, NimbusStr message);
void nimbus_reply_free(NimbusReplySlot* slot);

// --- exchange ------------------------------------------------------------------------------------

typedef enum {
  NIMBUS_DONE_OK = 0,
  NIMBUS_DONE_ERROR_CODE = 1,   // the guest answered with a wasi:http error-code
  NIMBUS_DONE_NO_RESPONSE = 2,  // returned without answering
  NIMBUS_DONE_TRAP = 3,         // message holds the Wasm backtrace
  NIMBUS_DONE_EXIT = 4,         // called exit; exit_code says with what
  NIMBUS_DONE_COLLATERAL = 5,   // the instance ended because of another call
  NIMBUS_DONE_NOT_STARTED = 6,  // the guest never saw it: may be given to another instance
  NIMBUS_DONE_RESOURCES = 7,    // no memory or pool slot for an instance
  NIMBUS_DONE_PANIC = 8,        // host code failed
  NIMBUS_DONE_TRUNCATED = 9,    // the response's content stopped before its end
  NIMBUS_DONE_REFUSED = 10,     // the parameters are not what the function takes
} NimbusDoneKind;

typedef struct {
  int32_t kind;  // NimbusDoneKind
  int32_t exit_code;
  NimbusStr message;
  NimbusStr error_code;  // its name in the WIT, if the kind is NIMBUS_DONE_ERROR_CODE
} NimbusOutcome;

// Where a response goes. Called only inside poll, drop or exchange functions, on that thread.
// `done` is the last call; after nimbus_exchange_detach there is none.
typedef struct {
  void* context;
  void (*head)(void* context, uint16_t status, const NimbusField* headers, size_t count);
  // Content; each byte uses one byte of credit. `bytes` can be kept with nimbus_bytes_keep, only
  // during the call.
  void (*body)(void* context, const uint8_t* data, size_t size, const void* bytes);
  void (*end)(void* context, const NimbusField* trailers, size_t count);
  // The guest took so much of the request's content; it will read no more of it. What happens to
  // content on other threads is told by the next poll, which they wake.
  void (*consumed)(void* context, size_t size);
  void (*unread)(void* context);
  void (*done)(void* context, const NimbusOutcome* outcome);
} NimbusSink;

typedef struct {
  NimbusStr method;
  NimbusStr scheme;
  NimbusStr authority;
  NimbusStr path;
  const NimbusField* headers;
  size_t header_count;
  uint8_t has_body;       // 0: no content; 1: it comes by nimbus_exchange_push
  uint64_t credit_bytes;  // of response content that may come before the first grant
  int64_t deadline_ns;    // for the imports that the call uses; 0: none
} NimbusRequest;

NimbusExchange* nimbus_exchange_new(const NimbusRequest* request, const NimbusSink* sink);
void nimbus_exchange_push(NimbusExchange* exchange, NimbusOwnedBytes bytes);
void nimbus_exchange_end(NimbusExchange* exchange, const NimbusField* trailers, size_t count);
void nimbus_exchange_fail(NimbusExchange* exchange);  // the client broke off
void nimbus_exchange_grant(NimbusExchange* exchange, size_t bytes);
// Nobody reads the response any more and the client sends no more: the guest's writes fail from now
// on. `done` still comes.
void nimbus_exchange_discard(NimbusExchange* exchange);
void nimbus_exchange_expire(NimbusExchange* exchange);  // and no guest begins with it any more
// 1 if the guest has begun with it.
int32_t nimbus_exchange_started(const NimbusExchange* exchange);
void nimbus_exchange_detach(NimbusExchange* exchange);
void nimbus_exchange_free(NimbusExchange* exchange);

// Shares the bytes of a `body` call beyond it.
NimbusOwnedBytes nimbus_bytes_keep(const void* bytes);

// Of the guest that is polled next on this thread, in that poll: its slice has so many ticks, not a
// whole one (one tick if it was cut short by its last poll); where it is cut short is to be told.
void nimbus_next_slice(uint32_t ticks);
void nimbus_trace_next_slice(void);
NimbusOwnedBytes nimbus_take_trace(void);  // a Wasm backtrace, or nothing

// --- calls on fresh instances --------------------------------------------------------------------

typedef enum {
  NIMBUS_POLL_PENDING = 0,
  NIMBUS_POLL_READY = 1,
  NIMBUS_POLL_CUT_SHORT = 2,  // pending, because its guest computed to the end of its time slice
} NimbusPoll;

// Runs no guest code before the first poll. The objects given may be freed any time after.
NimbusCall* nimbus_call_http(const NimbusLinked* linked, const NimbusContext* context,
                             NimbusExchange* exchange, NimbusWake wake);
// wasi:cli/run; `done` gets the outcome.
NimbusCall* nimbus_call_command(const NimbusLinked* linked, const NimbusContext* context,
                                void* done_context,
                                void (*done)(void* context, const NimbusOutcome* outcome),
                                NimbusWake wake);
int32_t nimbus_call_poll(NimbusCall* call);
void nimbus_call_free(NimbusCall* call);

// --- warm instances ------------------------------------------------------------------------------

// P3: up to `max_concurrent` calls overlap on the instance. P2: one after the other.
NimbusWorker* nimbus_worker_new(const NimbusLinked* linked, const NimbusContext* context,
                                uint32_t max_concurrent, NimbusWake wake);
// Before the first poll: the instance is kept, as a service is. Beside its calls it has one that
// lasts as long as the instance, whose `done` tells how that ended. With `runs`, for P3, this one
// is wasi:cli/run, which the component must export in 0.3: if it fails or calls exit, the instance
// ends; if it returns well, the instance serves on.
void nimbus_worker_keep(NimbusWorker* worker, uint8_t runs, void* context,
                        void (*done)(void* context, const NimbusOutcome* outcome));
// Queues a call.
void nimbus_worker_submit(NimbusWorker* worker, NimbusExchange* exchange);
// Takes no more calls; ready once the running ones and the guest's own work ended.
void nimbus_worker_close(NimbusWorker* worker);
// Ready: the instance ended; every call that was on it has had its `done`.
int32_t nimbus_worker_poll(NimbusWorker* worker);
// Ends the instance at once. Calls on it get COLLATERAL or NOT_STARTED.
void nimbus_worker_free(NimbusWorker* worker);

// --- calling exports -----------------------------------------------------------------------------

// One instance, made at the first poll. Calls come one after the other, or with concurrency up to
// `max_concurrent` overlap. A trap ends it, with all its calls.
NimbusGuest* nimbus_guest_new(const NimbusLinked* linked, const NimbusContext* context,
                              uint32_t max_concurrent, NimbusWake wake);
// What a call returned: the encoded results, which follow the contract of NimbusOwnedBytes, and the
// streams and futures among them, which go on after the call. Both are empty where it failed.
typedef struct {
  NimbusOwnedBytes results;
  const NimbusOutgoing* outgoing;
  size_t outgoing_count;
} NimbusReturned;

// A call of the function with that index (see nimbus_linked_export). Values are in the wRPC
// encoding; a resource of the guest is a handle of four bytes, a number, and `owner`'s if that is
// not 0. Parameters are checked first. `done` is called once, in a poll or nimbus_guest_free.
typedef struct {
  NimbusPieces params;
  NimbusChannels channels;
  int64_t deadline_ns;
  void* context;
  void (*done)(void* context, const NimbusOutcome* outcome, const NimbusReturned* returned);
  uint64_t owner;
  uint32_t function;
} NimbusGuestCallRequest;

// Queues the call; the request is read during it only.
NimbusGuestCall* nimbus_guest_call(NimbusGuest* guest, const NimbusGuestCallRequest* request);
// Queues an HTTP exchange among the calls, for the handler that the component is linked for. Where
// calls do not overlap, and always with a handler of WASI 0.2, it has the instance for itself until
// the last byte of its response.
void nimbus_guest_submit(NimbusGuest* guest, NimbusExchange* exchange);
// After `done`, or to give the call up: then `done` is not called. Returns 1 if the call occupies
// the instance, which will serve no other: end it.
int32_t nimbus_guest_call_free(NimbusGuestCall* call);
// The caller drops a resource that a call returned. Unknown handles are ignored.
void nimbus_guest_drop(NimbusGuest* guest, NimbusStr handle);
void nimbus_guest_disown(NimbusGuest* guest, uint64_t first, uint64_t last);  // all of these owners
// 1 if the handle is of a resource that the caller owns; and how many of those there are.
int32_t nimbus_guest_owns(const NimbusGuest* guest, NimbusStr handle);
size_t nimbus_guest_resources(const NimbusGuest* guest);
// Ready: the instance ended; every call that was on it has had its `done`.
int32_t nimbus_guest_poll(NimbusGuest* guest);
// Ends the instance at once.
void nimbus_guest_free(NimbusGuest* guest);

// --- outgoing HTTP -------------------------------------------------------------------------------

// Any thread. The guest sees one wasi:http error-code, by its name in the WIT ("DNS-timeout", …).
void nimbus_egress_fail(NimbusEgress* egress, NimbusStr error_code, NimbusStr message);
void nimbus_egress_respond(NimbusEgress* egress, uint16_t status, const NimbusField* headers,
                           size_t count);
void nimbus_egress_push(NimbusEgress* egress, NimbusOwnedBytes bytes);
void nimbus_egress_end(NimbusEgress* egress, const NimbusField* trailers, size_t count);
// The request's content may flow on by so many bytes.
void nimbus_egress_grant(NimbusEgress* egress, size_t bytes);
void nimbus_egress_free(NimbusEgress* egress);

#ifdef __cplusplus
}  // extern "C"

static_assert(sizeof(NimbusStr) == 16);
static_assert(sizeof(NimbusField) == 32);
static_assert(sizeof(NimbusOwnedBytes) == 32);
static_assert(sizeof(NimbusEngineConfig) == 88);
static_assert(sizeof(NimbusComponentNeeds) == 32);
static_assert(sizeof(NimbusPieces) == 32);
static_assert(sizeof(NimbusImport) == 40);
static_assert(sizeof(NimbusExportFunction) == 56);
static_assert(sizeof(NimbusImportFunction) == 24);
static_assert(sizeof(NimbusOutgoing) == 24);
static_assert(sizeof(NimbusIncoming) == 48);
static_assert(sizeof(NimbusChannels) == 16);
static_assert(sizeof(NimbusImportReply) == 72);
static_assert(sizeof(NimbusHostCalls) == 184);
static_assert(sizeof(NimbusVolume) == 40);
static_assert(sizeof(NimbusLabel) == 40);
static_assert(sizeof(NimbusContextConfig) == 96);
static_assert(sizeof(NimbusWake) == 32);
static_assert(sizeof(NimbusOutcome) == 40);
static_assert(sizeof(NimbusSink) == 56);
static_assert(sizeof(NimbusRequest) == 104);
static_assert(sizeof(NimbusEgressRequest) == 112);
#endif
