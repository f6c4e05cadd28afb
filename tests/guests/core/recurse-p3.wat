;; Recursion without an end.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func $deeper (param i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func (export "wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (call $deeper (local.get 0))))
