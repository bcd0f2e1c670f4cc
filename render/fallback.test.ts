import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FaultCode, FlotillaError } from '#proto/faults.ts';
import { withFallback } from './fallback.ts';
import type { Renderer, RenderInput } from './renderer.ts';

const { signal } = new AbortController();
const input: RenderInput = { path: 'a', components: [], options: {}, usesCharts: false, files: new Map() };
const refusing = (code: FaultCode): Renderer => ({
  render: async () => {
    throw new FlotillaError(code, 'a: no');
  },
});

test('what the engine does not support is rendered by the other, which is opened once', async () => {
  let opened = 0;
  const renderer = withFallback(refusing('render-unsupported'), async () => {
    opened++;
    return { render: async () => ['other'] };
  });
  const results = await Promise.all([renderer.render(input, signal), renderer.render(input, signal)]);
  assert.deepEqual(results, [['other'], ['other']]);
  assert.equal(opened, 1);
});

test('a failure of the engine is nobody else’s business', async () => {
  const renderer = withFallback(refusing('render-failed'), () => assert.fail('opened'));
  await assert.rejects(renderer.render(input, signal), { code: 'render-failed' });
});
