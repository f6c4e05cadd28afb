;; Answers with an error at once; then computes and yields for ever, with no call on it.
(module
  (import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
    (func $answer (param i32 i32 i32 i64 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    ;; error(internal-error(none))
    (call $answer (i32.const 1) (i32.const 38) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.const 1)) ;; yield
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle")
    (param i32 i32 i32) (result i32)
    (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 10000000))))
    (i32.const 1)))
