/** Bounds of one closure; beyond them `closure-too-large`. Bytes count when contents are read, not for a digest. */
export type ClosureLimits = { files: number; bytes: number; fileBytes: number; depth: number };

export const CLOSURE_LIMITS: ClosureLimits = {
  files: 5_000,
  bytes: 64 << 20,
  fileBytes: 16 << 20,
  depth: 32,
};
