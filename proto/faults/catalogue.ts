/** Code → what happened and what to do. A code is never reused for another meaning. */
export type Catalogue = Readonly<Record<string, readonly [what: string, remedy: string]>>;
