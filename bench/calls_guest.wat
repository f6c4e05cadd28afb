;; The guest of bench/calls.py: calls its import in a loop, and returns what it is given.
(component
  (import "bench:calls/store" (instance $store
    (export "get" (func (param "key" string) (result (list u8))))))
  (core module $libc
    (memory (export "memory") 64)
    (data (i32.const 1024) "a key of 16 byte")
    ;; Whatever was there is not needed any more.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $get
    (canon lower (func $store "get") (memory $memory) (realloc (core func $realloc))))
  (core module $m
    (import "libc" "memory" (memory 64))
    (import "h" "get" (func $get (param i32 i32 i32)))
    (func (export "run") (param $count i32)
      (loop $again
        (call $get (i32.const 1024) (i32.const 16) (i32.const 16))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count))))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 32) (local.get 0))
      (i32.store (i32.const 36) (local.get 1))
      (i32.const 32)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc)) (with "h" (instance (export "get" (func $get))))))
  (func (export "run") (param "count" u32) (canon lift (core func $i "run")))
  (func (export "echo") (param "content" (list u8)) (result (list u8))
    (canon lift (core func $i "echo") (memory $memory) (realloc (core func $realloc)))))
