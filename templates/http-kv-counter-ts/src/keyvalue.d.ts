// The functions of wit/deps/keyvalue.wit that the component calls; an error of theirs is thrown.
declare module 'wasi:keyvalue/store@0.2.0-draft' {
  export class Bucket {
    delete(key: string): void;
  }
  export function open(identifier: string): Bucket;
}

declare module 'wasi:keyvalue/atomics@0.2.0-draft' {
  import type { Bucket } from 'wasi:keyvalue/store@0.2.0-draft';
  export function increment(bucket: Bucket, key: string, delta: bigint): bigint;
}
