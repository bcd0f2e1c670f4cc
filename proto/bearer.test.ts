import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOKEN, withoutTokens } from './bearer.ts';

const SECRET = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF';

test('a token says whose it is, and a text that is shown keeps no more of it than that', () => {
  const token = `flotilla_alice-1_${SECRET}`;
  assert.deepEqual(TOKEN.exec(token)?.slice(1), ['alice-1', SECRET]);
  assert.equal(
    withoutTokens(`file ${token} cannot be read; ${token}`),
    'file flotilla_alice-1_… cannot be read; flotilla_alice-1_…',
  );
  assert.equal(withoutTokens('flotilla_metrics_x'), 'flotilla_metrics_x');
});

for (const wrong of [
  '',
  'flotilla__x',
  `flotilla_../etc_${SECRET}`,
  `flotilla_Alice_${SECRET}`,
  `x_a_${SECRET}`,
]) {
  test(`${JSON.stringify(wrong)} is no token`, () => assert.equal(TOKEN.exec(wrong), null));
}
