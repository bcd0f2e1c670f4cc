import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeScratch } from '#test/bed/scratch.ts';
import { obtainTools } from '#tools/obtain.ts';
import { flotilla } from '../testing/example.ts';
import { unpackChart } from './archive.ts';

const CHARTS = join(import.meta.dirname, '../../../test/fixtures/charts');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let server: Server;
let repo: string;
const served = new Map<string, { status?: number; location?: string; body?: Uint8Array | string }>();
before(async () => {
  server = createServer((request, response) => {
    const { status = 200, location, body } = served.get(request.url!) ?? { status: 404 };
    response.writeHead(status, location ? { location } : {}).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  repo = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stable`;
});
after(() => void server.close());

type Entry = { name: string; content?: string; type?: string; link?: string };

/** A gzipped tar archive, hostile where asked. */
function archive(...entries: Entry[]): Buffer {
  const blocks = entries.flatMap(({ name, content = '', type = '0', link = '' }) => {
    const header = Buffer.alloc(512);
    const size = Buffer.byteLength(content);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    header.write(`        ${type}${link}`, 148);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const CHART = { name: 'app/Chart.yaml', content: 'apiVersion: v2\nname: app\nversion: 1.2.3\n' };

function serve(bytes: Uint8Array, digest = sha256(bytes)): void {
  served.set('/files/app-1.2.3.tgz', { body: bytes });
  served.set('/stable/app.tgz', { status: 302, location: '/files/app-1.2.3.tgz' });
  served.set('/stable/index.yaml', {
    body: `apiVersion: v1\nentries:\n  app:\n  - version: v1.2.3\n    digest: ${digest}\n    urls: [app.tgz]\n`,
  });
}

test('a chart of a repository is fetched, checked, written with a lock, and found to be as vendored until it is touched', async () => {
  await using scratch = await makeScratch('chart-vendor');
  const bytes = archive(CHART, { name: 'app/templates/a.yaml', content: 'a: 1\n' });
  serve(bytes);
  const vendor = `chart vendor app --repo ${repo} --version 1.2.3`;
  const first = await flotilla(scratch, scratch.dir, vendor);
  assert.deepEqual(first, { code: 0, stdout: 'charts/app: 1.2.3, 2 files, written\n', stderr: '' });
  assert.equal(await readFile(join(scratch.dir, 'charts/app/templates/a.yaml'), 'utf8'), 'a: 1\n');
  const lock = await readFile(join(scratch.dir, 'charts/charts.lock.yaml'), 'utf8');
  assert.match(
    lock,
    new RegExp(
      `archive: sha256:${sha256(bytes)}\\n  name: app\\n  source: ${repo}/app.tgz\\n  tree: sha256:\\w{64}\\n  version: 1.2.3`,
    ),
  );
  assert.match((await flotilla(scratch, scratch.dir, vendor)).stdout, /unchanged/);
  assert.equal((await flotilla(scratch, scratch.dir, 'chart vendor --check')).code, 0);

  await writeFile(join(scratch.dir, 'charts/app/templates/a.yaml'), 'a: 2\n');
  const checked = await flotilla(scratch, scratch.dir, 'chart vendor --check');
  assert.equal(checked.code, 1);
  assert.match(checked.stderr, /charts\/app is not 1\.2\.3 as it was vendored from http/);
  const kept = await flotilla(scratch, scratch.dir, vendor);
  assert.equal(kept.code, 1);
  assert.match(kept.stderr, /is there already and differs; --force/);
  assert.equal((await flotilla(scratch, scratch.dir, `${vendor} --force`)).code, 0);
  assert.equal((await flotilla(scratch, scratch.dir, 'chart vendor --check app')).code, 0);
  assert.deepEqual(await readdir(join(scratch.dir, 'charts')), ['app', 'charts.lock.yaml']);

  await mkdir(join(scratch.dir, 'charts/stray'));
  const stray = await flotilla(scratch, scratch.dir, 'chart vendor --check');
  assert.match(stray.stderr, /stray is not in charts\.lock\.yaml/);
});

test('a directory, and what helm packages of it, are vendored to the same tree', async () => {
  await using scratch = await makeScratch('chart-local');
  const { helm } = await obtainTools(['helm']);
  execFileSync(helm, ['package', join(CHARTS, 'monitoring'), '-d', scratch.dir], {
    env: { HOME: scratch.dir },
  });
  const [packed] = (await readdir(scratch.dir)).filter((name) => name.endsWith('.tgz'));
  await cp(join(CHARTS, 'monitoring'), join(scratch.dir, 'source'), { recursive: true });
  await symlink('values.yaml', join(scratch.dir, 'source/same.yaml'));
  for (const source of [packed, 'source']) {
    const { code, stderr } = await flotilla(
      scratch,
      scratch.dir,
      `chart vendor ${source} --into into-${source}`,
    );
    assert.deepEqual([code, stderr], [0, '']);
  }
  await rm(join(scratch.dir, 'into-source/monitoring/same.yaml'));
  const list = async (into: string) =>
    (await readdir(join(scratch.dir, into, 'monitoring'), { recursive: true })).sort();
  assert.deepEqual(await list(`into-${packed}`), await list('into-source'));
});

test('nothing of a hostile archive is written', async () => {
  const hostile: [why: RegExp, ...Entry[]][] = [
    [/no path below the chart/, CHART, { name: 'app/../../evil', content: 'x' }],
    [/stands beside/, CHART, { name: '/etc/passwd', content: 'x' }],
    [/stands beside/, CHART, { name: 'other/x', content: 'x' }],
    [/would be read by Git/, CHART, { name: 'app/.git/hooks/post-checkout', content: 'x' }],
    [/is a link/, CHART, { name: 'app/link', type: '2', link: '/etc/passwd' }],
    [/is a link/, CHART, { name: 'app/link', type: '1', link: 'app/Chart.yaml' }],
    [/there twice/, CHART, CHART],
    [/a file and a directory/, CHART, { name: 'app/x', content: 'x' }, { name: 'app/x/y', content: 'x' }],
    [
      /no path below/,
      CHART,
      { name: 'pax', type: 'x', content: '17 path=app/../x\n' },
      { name: 'a', content: 'x' },
    ],
    [/more than/, CHART, ...Array.from({ length: 5_001 }, (_, index) => ({ name: `app/${index}` }))],
  ];
  for (const [message, ...entries] of hostile)
    await assert.rejects(unpackChart(archive(...entries), 'it'), { code: 'chart-refused', message });
  await assert.rejects(unpackChart(Buffer.from('text'), 'it'), { message: /no gzipped archive/ });
  await assert.rejects(unpackChart(gzipSync(Buffer.alloc(1024, 1)), 'it'), { message: /no tar archive/ });
  await assert.rejects(unpackChart(gzipSync(Buffer.alloc(200 << 20)), 'it'), { message: /unpacks to more/ });
});

test('what is not as it should be is refused with what to do, and leaves nothing behind', async () => {
  await using scratch = await makeScratch('chart-refused');
  const run = async (words: string) => {
    const { code, stderr } = await flotilla(scratch, scratch.dir, `chart vendor ${words}`);
    return `${code} ${stderr}`;
  };
  serve(archive(CHART), 'a'.repeat(64));
  assert.match(await run(`app --repo ${repo} --version 1.2.3`), /^2 .*the index says aaaa/);
  serve(archive(CHART));
  assert.match(await run(`app --repo ${repo} --version 2`), /^2 .*has no app 2; the first .* v1\.2\.3/);
  assert.match(await run(`other --repo ${repo} --version 2`), /^2 .*has no chart other/);
  assert.match(await run(`app --repo ${repo}/none --version 2`), /^2 .*answers 404/);
  assert.match(await run('app --repo http://charts.example.com --version 2'), /^2 .*is not https/);
  served.set('/files/app-1.2.3.tgz', { status: 302, location: 'http://charts.example.com/x' });
  assert.match(await run(`app --repo ${repo} --version 1.2.3`), /^2 .*is not https/);
  assert.match(await run('https'), /^2 .*a name needs --repo/);
  assert.match(await run(`app --repo ${repo}`), /^64 .*needs --version/);
  await writeFile(
    join(scratch.dir, 'a.tgz'),
    archive({ ...CHART, content: `${CHART.content}dependencies: [{name: redis}]\n` }),
  );
  assert.match(await run('a.tgz'), /^2 .*needs the chart redis/);
  await mkdir(join(scratch.dir, 'app'));
  await writeFile(join(scratch.dir, 'app/Chart.yaml'), CHART.content);
  await symlink('/etc', join(scratch.dir, 'app/etc'));
  assert.match(await run('app'), /^2 .*leaves the chart/);
  assert.deepEqual(
    (await readdir(scratch.dir)).filter((name) => name === 'charts'),
    [],
  );
});
