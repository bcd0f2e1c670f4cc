import { type Json, YamlFault } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import type { JsonMap } from '../json.ts';
import { decode, exactText, PLUGIN_RULES, struct } from '../read/decode.ts';
import { readManifests } from '../read/manifests.ts';
import { Resource } from '../resource.ts';
import type { Workshop } from '../transformers/transformer.ts';

const shape = struct({
  cloud: exactText,
  kubernetesService: struct({ name: exactText, namespace: exactText }),
  serviceAccount: struct({ name: exactText, projectId: exactText }),
});

/** The built-in IAMPolicyGenerator: a ServiceAccount that is bound to one of the cloud. @throws EngineFault for other clouds */
export function generateIamPolicy(config: Json, { schema }: Workshop): Resource {
  const { cloud = '', kubernetesService = {}, serviceAccount = {} } = decode(shape, config, PLUGIN_RULES);
  if (cloud !== 'gke') throw new EngineFault(`cloud must be gke, not ${cloud || 'nothing'}`, ['cloud']);
  const { name = '', namespace } = kubernetesService;
  if (name === '') throw new EngineFault('kubernetesService needs a name', ['kubernetesService']);
  const account = `${serviceAccount.name ?? ''}@${serviceAccount.projectId ?? ''}.iam.gserviceaccount.com`;
  const [object] = readGenerated(`
apiVersion: v1
kind: ServiceAccount
metadata:
  annotations:
    iam.gke.io/gcp-service-account: ${account}
  name: ${name}
${namespace ? `  namespace: ${namespace}` : ''}
`);
  return new Resource(object!, schema);
}

/** kustomize puts names into the text of an object, so that they mean what they mean without quotes. */
function readGenerated(text: string): JsonMap[] {
  try {
    return readManifests(text);
  } catch (cause) {
    if (!(cause instanceof YamlFault)) throw cause;
    throw new EngineFault(`a name cannot stand without quotes: ${cause.message}`, undefined, { cause });
  }
}
