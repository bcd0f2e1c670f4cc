/**
 * The Git server as a process of its own, to be killed:
 *
 *   node test/bed/git-server-main.ts DIR PORT
 *
 * FLOTILLA_GIT_USER and FLOTILLA_GIT_PASSWORD turn authentication on. It ends with SIGTERM.
 */
import { startGitServer } from './git-server.ts';

const [dir, port] = process.argv.slice(2);
if (dir === undefined || !(Number(port) > 0)) {
  process.stderr.write('usage: node test/bed/git-server-main.ts DIR PORT\n');
  process.exit(64);
}
const { FLOTILLA_GIT_USER: user, FLOTILLA_GIT_PASSWORD: password } = process.env;
const server = await startGitServer({
  dir,
  port: Number(port),
  ...(user !== undefined && password !== undefined && { auth: { user, password } }),
});
process.once('SIGTERM', () => void server.stop());
