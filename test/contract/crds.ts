import assert from 'node:assert/strict';
import type { Api, Loose } from './api.ts';
import { until } from './case.ts';

export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Applies a CRD and waits until its API is served. */
export async function establish(api: Api, crd: Loose, signal?: AbortSignal): Promise<void> {
  const { group } = crd.spec;
  const { code, body } = await api.apply(`${CRDS}/${crd.metadata.name}`, 'ours', crd);
  assert.equal(code, 201, JSON.stringify(body));
  const served = async () => (await api.get(`/apis/${group}/v1/${crd.spec.names.plural}`)).code;
  await until('the API of the CRD', served, (answer) => answer === 200, signal);
}
