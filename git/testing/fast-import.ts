/** A change of one file: its text, text with a mode (a gitlink's text is a commit id), or null to delete it. */
export type FileChange = string | { mode: '100755' | '120000' | '160000'; text: string } | null;

export type CommitSpec = {
  files: Record<string, FileChange>;
  /** Default: main. */
  branch?: string;
  /** The first parent: a mark (`:3` is the third commit of the stream), an id or `refs/heads/x^0`. */
  from?: string;
  /** Further parents. */
  merge?: string[];
  /** Unix seconds. */
  at?: number;
};

/**
 * Writes a stream for `git fast-import`. Without `from`, the first commit of a branch in a stream is a root commit,
 * even where the branch exists, and later ones go on from it.
 */
export function fastImport(commits: readonly CommitSpec[]): string {
  const lines = commits.flatMap((commit, i) => {
    const person = `Ada <ada@example.com> ${commit.at ?? 1_700_000_000 + i} +0100`;
    return [
      `commit refs/heads/${commit.branch ?? 'main'}`,
      `mark :${i + 1}`,
      `author ${person}`,
      `committer ${person}`,
      data(`commit ${i + 1}`),
      ...(commit.from === undefined ? [] : [`from ${commit.from}`]),
      ...(commit.merge ?? []).map((parent) => `merge ${parent}`),
      ...Object.entries(commit.files).map(([path, change]) => file(path, change)),
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** A line of commits that change one file each. */
export function commitLine(count: number, start: Partial<CommitSpec> = {}): CommitSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    files: {
      'counter.txt': `${start.branch ?? 'main'} ${start.at ?? 0} ${i}\n`,
      ...(i === 0 && start.files),
    },
    ...(start.branch !== undefined && { branch: start.branch }),
    ...(i === 0 && start.from !== undefined && { from: start.from }),
    at: (start.at ?? 1_700_000_000) + i,
  }));
}

function file(path: string, change: FileChange): string {
  if (change === null) return `D ${path}`;
  if (typeof change === 'string') return `M 100644 inline ${path}\n${data(change)}`;
  if (change.mode === '160000') return `M 160000 ${change.text} ${path}`;
  return `M ${change.mode} inline ${path}\n${data(change.text)}`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
