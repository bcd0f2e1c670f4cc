import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../problems.ts';
import { checkEncrypted, checkFluxForms, checkImageTags, variableRoot } from './content.ts';

const seen = (problems: Problem[]) => problems.map(({ source, text }) => [source.line, source.column, text]);

test('Flux’s forms of declared names are told with the fix; others and escaped ones are left alone', () => {
  const text =
    'a: ${domain}\nb: x-${domain:=a.example}\n# ${domain:=no}\nc: $${domain:-x} ${other:=1} ${#domain} ${domain/a/b}\n';
  const problems = checkFluxForms('apps/x.yaml', text, ['domain']);
  assert.deepEqual(seen(problems), [
    [2, 6, '${domain:=a.example}'],
    [4, 30, '${#domain}'],
    [4, 41, '${domain/a/b}'],
  ]);
  assert.match(problems[0]!.message, /write \$\{domain\} and put a\.example under values\.optional/);
  assert.deepEqual(checkFluxForms('x', text, []), []);
  assert.equal(
    checkFluxForms('shop.properties', '# ${domain:=no}', ['domain']).length,
    1,
    'no comment there',
  );
});

test('encrypted files are told, and files that only speak of sops are not', () => {
  assert.deepEqual(seen(checkEncrypted('x.yaml', 'a: ENC[AES256_GCM,x]\nsops:\n  mac: x\n')), [
    [2, 1, 'sops:'],
  ]);
  assert.deepEqual(seen(checkEncrypted('x.json', '{\n  "a": "ENC[]",\n  "sops": {"mac": ""}\n}')), [
    [3, 3, '"sops":'],
  ]);
  assert.deepEqual(checkEncrypted('x.yaml', 'data:\n  sops: "no"\n'), []);
  assert.deepEqual(checkEncrypted('x.yaml', 'sops:\n  enabled: true\n'), []);
});

test('image tags are told in kustomizations and in containers, names of images are not', () => {
  const kustomization =
    'images:\n  - { name: web, newName: r.example/web, newTag: 1.2.3 }\n  - name: db\n    digest: sha256:ab\n';
  assert.deepEqual(seen(checkImageTags('o/prod/kustomization.yaml', kustomization)), [
    [2, 50, '1.2.3'],
    [4, 13, 'sha256:ab'],
  ]);
  const patch =
    'kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - { name: web, image: "r.example:5000/web:1.0" }\n        - { name: side, image: r.example:5000/side }\n---\nspec:\n  initContainers: [{ name: i, image: i@sha256:00 }]\n';
  assert.deepEqual(seen(checkImageTags('o/prod/patch.yaml', patch)), [
    [6, 31, '"r.example:5000/web:1.0"'],
    [10, 38, 'i@sha256:00'],
  ]);
  assert.deepEqual(checkImageTags('o/prod/broken.yaml', 'containers: [{ image: a:1'), []);
});

test('what a path variable decides is the directory up to it', () => {
  assert.equal(variableRoot('apps/x/overlays/{env}', 'apps/x/overlays/prod'), 'apps/x/overlays/prod');
  assert.equal(variableRoot('./apps/{env}/x', 'apps/prod/x'), 'apps/prod');
  assert.equal(variableRoot('apps/x', 'apps/x'), undefined);
});
