const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * Whether a request with this Host header is meant for us. A web page may let its own name point to the loopback address ("DNS
 * rebinding") and would then be of the same origin as the hub: bound to loopback, the hub answers to loopback names only.
 * `allowed` are further names, without port; given, they hold whatever the hub is bound to.
 */
export function isExpectedHost(
  header: string | undefined,
  bound: string,
  allowed: readonly string[] = [],
): boolean {
  if (!isLoopback(bound) && allowed.length === 0) return true;
  if (header === undefined || !URL.canParse(`http://${header}`)) return false;
  const { hostname } = new URL(`http://${header}`);
  return LOOPBACK.has(hostname) || isLoopback(hostname) || allowed.includes(hostname);
}
