import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowanceOf, judge, whyRefused } from './addresses.ts';

const NOTHING = allowanceOf([]);
const judged = (url: string, addresses: readonly string[], allowance = NOTHING) => {
  try {
    judge(new URL(url), addresses, allowance);
    return 'asked';
  } catch (error) {
    return (error as Error).message;
  }
};

const INSIDE = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1'],
  'link-local': ['169.254.169.254', 'fe80::1', 'febf::1', '::ffff:169.254.169.254'],
  private: [
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    'fd00::1',
    '64:ff9b::a00:1',
  ],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
  multicast: ['224.0.0.1', '239.1.1.1', 'ff02::1'],
  reserved: [
    '255.255.255.255',
    '240.0.0.1',
    '192.0.0.192',
    '198.18.0.1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '::7f00:1',
    '64:ff9b:1::7f00:1',
    '4000::1',
  ],
};
for (const [what, addresses] of Object.entries(INSIDE)) {
  test(`${what} addresses are refused, however they are written`, () => {
    for (const address of addresses)
      assert.match(whyRefused(address) ?? 'allowed', new RegExp(what), address);
  });
}

test('public addresses are allowed, also as seen through NAT64', () => {
  for (const address of [
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
  ])
    assert.equal(whyRefused(address), undefined, address);
});

test('what is no address is none', () => {
  for (const address of ['', 'localhost', 'fe80::1%eth0', '1.2.3'])
    assert.equal(whyRefused(address), 'no address');
});

test('one inner address among public ones refuses them all, and is not told', () => {
  const said = judged('https://hook.example/', ['1.1.1.1', '10.9.8.7']);
  assert.match(said, /leads to a private address, and --webhook-allow of the hub does not name it/);
  assert.ok(!said.includes('10.9.8.7'));
});

test('an address that is written in another way is the same address', () => {
  for (const host of [
    '2130706433',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
  ]) {
    const { hostname } = new URL(`https://${host}/`);
    assert.match(judged(`https://${host}/`, [hostname.replace(/^\[|\]$/g, '')]), /loopback/, host);
  }
});

test('http, odd ports and inner addresses are for what was named', () => {
  const named = allowanceOf(['hooks.corp', '10.0.0.0/8', 'fd00::/8', '192.168.1.7']);
  assert.equal(judged('https://hook.example/x', ['1.1.1.1']), 'asked');
  assert.equal(judged('https://hook.example:8443/x', ['1.1.1.1']), 'asked');
  assert.match(judged('http://hook.example/x', ['1.1.1.1']), /without TLS/);
  assert.match(judged('https://hook.example:22/x', ['1.1.1.1']), /port 22/);
  assert.match(judged('https://me:secret@hook.example/', ['1.1.1.1']), /user or a password/);
  assert.match(judged('ftp://hook.example/', ['1.1.1.1']), /neither http nor https/);
  assert.equal(judged('http://HOOKS.corp:81/x', ['169.254.1.1'], named), 'asked');
  assert.equal(judged('http://other.corp/x', ['10.1.1.1'], named), 'asked');
  assert.equal(judged('http://other.corp/x', ['fd00::3', '192.168.1.7'], named), 'asked');
  assert.match(judged('http://other.corp/x', ['10.1.1.1', '192.168.1.8'], named), /private/);
  assert.match(judged('http://sub.hooks.corp/x', ['10.1.1.1', '127.0.0.1'], named), /loopback/);
});

test('what cannot be allowed is named', () => {
  for (const wrong of ['10.0.0.0/33', '10.0.0/8', 'a b', '1.2.3.4/', '::/129', 'x/8', '', 'a..b', '*'])
    assert.throws(() => allowanceOf([wrong]), { code: 'config-invalid' }, wrong);
});
