/** Where something is wrong: a file of the closure, and lines and columns counted from 1. */
export type Place = { readonly file: string; readonly line?: number; readonly column?: number };

/**
 * What keeps an overlay from being rendered. The parts throw it with a message and, where they know it, the path inside
 * the document that they were given; who knows the file adds the place (`placed`).
 */
export class EngineFault extends Error {
  override readonly name = 'EngineFault';
  readonly path: readonly (string | number)[] | undefined;
  readonly place: Place | undefined;
  /** True for what kustomize does and the engine does not; another renderer may take over. */
  readonly unsupported: boolean;

  constructor(
    message: string,
    path?: readonly (string | number)[],
    options: { place?: Place | undefined; unsupported?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.path = path;
    this.place = options.place;
    this.unsupported = options.unsupported ?? false;
  }

  placed(place: Place): EngineFault {
    if (this.place) return this;
    return new EngineFault(this.message, this.path, { place, unsupported: this.unsupported, cause: this });
  }
}

/** Several independent faults of one overlay. */
export class EngineFaults extends Error {
  override readonly name = 'EngineFaults';
  readonly faults: readonly EngineFault[];
  constructor(faults: readonly EngineFault[]) {
    super(faults.map((fault) => fault.message).join('; '));
    this.faults = faults;
  }
}
