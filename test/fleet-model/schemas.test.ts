import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { jsonSchemaOf, schemaFile } from '#proto/documents/json-schema.ts';
import { KINDS, kindAt } from '#proto/documents/kinds.ts';
import { renderSchemas, SCHEMAS_FOLDER } from '../../scripts/schemas.ts';
import { repositoryRoot } from '../house/sources.ts';

const folder = join(repositoryRoot, SCHEMAS_FOLDER);
const example = join(repositoryRoot, 'fleet-repo-example');

test('docs/schemas holds what the schemas of documents generate, and nothing else', () => {
  const rendered = renderSchemas();
  assert.deepEqual(readdirSync(folder).sort(), [...rendered.keys()].sort());
  for (const [file, text] of rendered)
    assert.equal(readFileSync(join(folder, file), 'utf8'), text, 'run: npm run docs');
});

test('every kind has a schema that takes no unknown keys', () => {
  for (const kind of KINDS) {
    const { properties, required, additionalProperties } = jsonSchemaOf(kind) as {
      properties: Record<string, { const?: string; additionalProperties?: boolean }>;
      required: string[];
      additionalProperties: boolean;
    };
    assert.equal(properties.kind?.const, kind);
    assert.deepEqual(required, ['apiVersion', 'kind', 'metadata', 'spec']);
    assert.deepEqual([additionalProperties, properties.spec?.additionalProperties], [false, false]);
  }
});

test('every document of the example names the schema of its kind, by a path that works from a clone', () => {
  const files = globSync(['*.yaml', '{access,clusters,placements,rollouts,values}/**/*.yaml'], {
    cwd: example,
  });
  assert.ok(files.length >= 10, files.join(' '));
  for (const kind of ['Fleet', 'Cluster', 'Placement'])
    assert.ok(
      files.some((file) => kindAt(file) === kind),
      kind,
    );
  for (const file of files) {
    const [, path] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(join(example, file), 'utf8')) ?? [];
    assert.ok(path !== undefined, `${file} names no schema`);
    assert.equal(join(example, dirname(file), path), join(folder, schemaFile(kindAt(file)!)), file);
  }
});
