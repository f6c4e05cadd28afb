;; Well-formed, but its only function leaves the wrong type.
(component
  (core module
    (func (export "add") (result i32)
      (i64.const 1))))
