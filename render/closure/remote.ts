/**
 * What a reference points at when kustomize would leave the repository for it, in words; undefined for a local path.
 * Follows `IsRemoteFile` and `NewRepoSpecFromURL` of kustomize 5.5, and takes every other `scheme://` for remote too.
 */
export function remoteTarget(text: string): string | undefined {
  if (/^https?:/i.test(text)) return 'an http(s) URL';
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'a URL';
  const address = text.replace(/^git::/i, '');
  if (address !== text) return 'a Git repository';
  // SCP style (user@host:org/repo) and GitHub's own short form; both name a repository by two path segments or a marker.
  const [, rest] =
    /^[a-z][a-z0-9-]*@[^/:]*[/:](.+)$/i.exec(address) ?? /^github\.com[/:](.+)$/i.exec(address) ?? [];
  return rest !== undefined && /\/|\.git|_git/.test(rest) ? 'a Git repository' : undefined;
}
