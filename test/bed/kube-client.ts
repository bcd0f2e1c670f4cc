/** Raw requests to an API server of the bed, without any Kubernetes library between test and server. */
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';

export type KubeAccess = { server: string /** PEM. */; ca: string; token: string };

export type KubeAnswer = { status: number; body: unknown };

export class KubeClient implements Disposable {
  private readonly access: KubeAccess;
  private readonly agent: Agent;

  constructor(access: KubeAccess) {
    this.access = access;
    this.agent = new Agent({ keepAlive: true, ca: access.ca });
  }

  /** One request; the body of the answer is parsed where it is JSON. Any status is an answer. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    options: { contentType?: string; signal?: AbortSignal } = {},
  ): Promise<KubeAnswer> {
    const sent = request(new URL(path, this.access.server), {
      method,
      agent: this.agent,
      headers: {
        authorization: `Bearer ${this.access.token}`,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': options.contentType ?? 'application/json' }),
      },
      ...(options.signal && { signal: options.signal }),
    });
    const answered = new Promise<KubeAnswer>((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', (response) => {
        const isJson = response.headers['content-type']?.startsWith('application/json');
        text(response).then(
          (raw) => resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(raw) : raw }),
          reject,
        );
      });
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    return answered;
  }

  /** Like `send`, but any status outside 2xx is an error that carries the server's words. */
  async expect<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(
        `${method} ${path} answers ${answer.status}: ${JSON.stringify(answer.body).slice(0, 500)}`,
      );
    }
    return answer.body as T;
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }
}

/** A kubeconfig for a token; JSON, which is YAML too. */
export function kubeconfigOf(name: string, access: KubeAccess): string {
  const certificate = Buffer.from(access.ca).toString('base64');
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: access.server, 'certificate-authority-data': certificate } }],
      users: [{ name, user: { token: access.token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    null,
    2,
  )}\n`;
}
