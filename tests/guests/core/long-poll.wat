;; Waits for one and the same pollable 20,000 times over, in one list.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
    (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $pollable i32)
    (local $at i32)
    (local.set $pollable (call $after (i64.const 0)))
    (loop $fill
      (i32.store (local.get $at) (local.get $pollable))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 80000))))
    (call $poll (i32.const 0) (i32.const 20000) (i32.const 100000))
    unreachable))
