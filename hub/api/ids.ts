/** Opaque ids: what an object is, and the parts that name it. Stable across restarts of the hub. */
export type NodeType =
  | 'Apply'
  | 'Approval'
  | 'Assignment'
  | 'Change'
  | 'AuditEntry'
  | 'Cluster'
  | 'Commit'
  | 'Event'
  | 'FieldDrift'
  | 'Placement'
  | 'Problem'
  | 'Resource'
  | 'Rollout';

export function idOf(type: NodeType, ...parts: readonly string[]): string {
  return Buffer.from(JSON.stringify([type, ...parts])).toString('base64url');
}

/** Undefined for what was never an id. */
export function readId(id: string): { type: string; parts: readonly string[] } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(id, 'base64url').toString());
    if (!Array.isArray(value) || !value.every((part) => typeof part === 'string')) return undefined;
    const [type, ...parts] = value as string[];
    return type === undefined ? undefined : { type, parts };
  } catch {
    return undefined;
  }
}
