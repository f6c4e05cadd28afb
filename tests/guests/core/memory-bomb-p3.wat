;; Grows its memory as far as it is let, touches all of it, then traps.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "wasi:http/handler@0.3.0#handle") (param i32) (result i32)
    (loop $more
      (if (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0))
        (then
          (memory.fill
            (i32.mul (i32.sub (memory.size) (i32.const 16)) (i32.const 65536))
            (i32.const 1) (i32.const 1048576))
          (br $more))))
    unreachable))
