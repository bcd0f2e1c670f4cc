import type { TransformerConfig } from '../config/config.ts';
import type { MergeSchema } from '../merge/schema.ts';
import type { Origin } from '../origin.ts';
import type { Documents } from '../read/documents.ts';
import type { Files } from '../read/files.ts';
import type { Resources } from '../resources.ts';

/** One change to everything that was gathered so far. It is read and checked as a whole before it runs. */
export type Transformer = {
  readonly run: (resources: Resources) => void;
  /** Noted on the objects where `buildMetadata` asks for it. */
  readonly origin?: Origin | undefined;
};

/** What transformers and generators are made with. */
export type Workshop = {
  /** Directory of the kustomization: the files that its fields name are looked up from here. */
  readonly directory: string;
  readonly files: Files;
  readonly documents: Documents;
  readonly schema: MergeSchema;
  /** The fields that transformers change where their own configuration does not say. */
  readonly config: TransformerConfig;
};
