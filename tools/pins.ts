/**
 * Every external program that Flotilla runs, pinned: its version, where it comes from and how that is verified.
 * This is the only file to edit when a version moves (and, for Kubernetes and etcd, tools/go/<name>/go.mod).
 *
 * A release download carries either the literal sha256 or the URL of the checksum file that the release publishes.
 * The second is trust in TLS and in the publisher's host: see docs/tools.md. What has neither is not downloaded.
 */
export type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64';

export type ToolName =
  | 'nats-server'
  | 'kustomize'
  | 'helm'
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kwok';

/** An official download; `member` is the program's path in the archive, absent when the file is the program. */
export type Release = { url: string; member?: string } & ({ sha256: string } | { sums: string });

/** How Go builds it. `module` names the directory below tools/go whose go.mod and go.sum pin every dependency. */
export type GoRecipe = {
  package: string;
  /** Absent: `go install package@version`. */
  module?: 'etcd' | 'kubernetes';
  /** Linker variables that make the program say its version, `path=value`. */
  variables: readonly string[];
  /** The oldest Go that compiles it, as major.minor. */
  go: string;
  /** Seconds that a cold build takes on two cores, so that waiting people know. */
  seconds: number;
};

export type Pin = {
  version: string;
  purpose: string;
  /** Arguments that make it print its version; the first dotted number of the output is taken. */
  askVersion: readonly string[];
  releases: Partial<Record<Platform, Release>>;
  go: GoRecipe;
  /** A Debian package that is good enough when nothing else can be had, and the oldest version of it that is. */
  debian?: { package: string; oldest: string };
};

const NATS = '2.14.9';
const KUSTOMIZE = '5.5.0';
const HELM = '3.19.5';
const ETCD = '3.6.16';
const KUBERNETES = '1.36.3';
const KWOK = '0.7.0';

export const PINS: Readonly<Record<ToolName, Pin>> = {
  'nats-server': {
    version: NATS,
    purpose: 'carries desired documents and status',
    askVersion: ['--version'],
    releases: {
      'linux-x64': nats('linux-amd64'),
      'linux-arm64': nats('linux-arm64'),
      'darwin-x64': nats('darwin-amd64'),
      'darwin-arm64': nats('darwin-arm64'),
    },
    go: { package: 'github.com/nats-io/nats-server/v2', variables: [], go: '1.26', seconds: 40 },
    debian: { package: 'nats-server', oldest: '2.9.10' },
  },
  kustomize: {
    version: KUSTOMIZE,
    purpose: 'renders overlays',
    askVersion: ['version'],
    releases: {
      'linux-x64': kustomize('linux_amd64', {
        sha256: '6703a3a70a0c47cf0b37694030b54f1175a9dfeb17b3818b623ed58b9dbc2a77',
      }),
      'linux-arm64': kustomize('linux_arm64', {
        sha256: 'b4170d1acb8cfacace9f72884bef957ff56efdcd4813b66e7604aabc8b57e93d',
      }),
      'darwin-x64': kustomize('darwin_amd64', {
        sha256: '874224e75229821b1e571aefa45703789b77336302a34692eac65adbe0dc1cee',
      }),
      'darwin-arm64': kustomize('darwin_arm64', { sums: `${kustomizeRelease()}/checksums.txt` }),
    },
    go: {
      package: 'sigs.k8s.io/kustomize/kustomize/v5',
      variables: [`sigs.k8s.io/kustomize/api/provenance.version=v${KUSTOMIZE}`],
      go: '1.22',
      seconds: 30,
    },
  },
  helm: {
    version: HELM,
    purpose: 'renders charts that are vendored',
    askVersion: ['version', '--short'],
    releases: {
      'linux-x64': helm('linux-amd64'),
      'linux-arm64': helm('linux-arm64'),
      'darwin-x64': helm('darwin-amd64'),
      'darwin-arm64': helm('darwin-arm64'),
    },
    go: {
      package: 'helm.sh/helm/v3/cmd/helm',
      variables: [`helm.sh/helm/v3/internal/version.version=v${HELM}`],
      go: '1.24',
      seconds: 120,
    },
  },
  etcd: {
    version: ETCD,
    purpose: 'test bed: stores what the API servers hold',
    askVersion: ['--version'],
    releases: {
      'linux-x64': etcd('linux-amd64', 'tar.gz'),
      'linux-arm64': etcd('linux-arm64', 'tar.gz'),
      'darwin-x64': etcd('darwin-amd64', 'zip'),
      'darwin-arm64': etcd('darwin-arm64', 'zip'),
    },
    go: { package: 'go.etcd.io/etcd/server/v3', module: 'etcd', variables: [], go: '1.26', seconds: 90 },
  },
  'kube-apiserver': kubernetes('kube-apiserver', 'test bed: a real API server', 240),
  'kube-controller-manager': kubernetes('kube-controller-manager', 'test bed: runs Deployments', 70),
  'kube-scheduler': kubernetes('kube-scheduler', 'test bed: binds pods to nodes', 20),
  kwok: {
    version: KWOK,
    purpose: 'test bed: plays nodes and their kubelets',
    askVersion: ['--version'],
    // The project publishes binaries without checksums, so there is nothing to verify them by.
    releases: {},
    go: {
      package: 'sigs.k8s.io/kwok/cmd/kwok',
      variables: [`sigs.k8s.io/kwok/pkg/consts.Version=v${KWOK}`],
      go: '1.24',
      seconds: 120,
    },
  },
};

/** In the order in which they are obtained: what others wait for comes first. */
export const ALL_TOOLS = Object.keys(PINS) as ToolName[];

function nats(target: string): Release {
  const release = `https://github.com/nats-io/nats-server/releases/download/v${NATS}`;
  const stem = `nats-server-v${NATS}-${target}`;
  return { url: `${release}/${stem}.tar.gz`, member: `${stem}/nats-server`, sums: `${release}/SHA256SUMS` };
}

function kustomizeRelease(): string {
  return `https://github.com/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv${KUSTOMIZE}`;
}

function kustomize(target: string, trust: { sha256: string } | { sums: string }): Release {
  return {
    url: `${kustomizeRelease()}/kustomize_v${KUSTOMIZE}_${target}.tar.gz`,
    member: 'kustomize',
    ...trust,
  };
}

function helm(target: string): Release {
  const url = `https://get.helm.sh/helm-v${HELM}-${target}.tar.gz`;
  return { url, member: `${target}/helm`, sums: `${url}.sha256sum` };
}

function etcd(target: string, extension: 'tar.gz' | 'zip'): Release {
  const release = `https://github.com/etcd-io/etcd/releases/download/v${ETCD}`;
  const stem = `etcd-v${ETCD}-${target}`;
  return { url: `${release}/${stem}.${extension}`, member: `${stem}/etcd`, sums: `${release}/SHA256SUMS` };
}

/** Kubernetes publishes servers for Linux only; on darwin they are built. */
function kubernetes(program: string, purpose: string, seconds: number): Pin {
  const release = (arch: string): Release => {
    const url = `https://dl.k8s.io/release/v${KUBERNETES}/bin/linux/${arch}/${program}`;
    return { url, sums: `${url}.sha256` };
  };
  const [major, minor] = KUBERNETES.split('.');
  return {
    version: KUBERNETES,
    purpose,
    askVersion: ['--version'],
    releases: { 'linux-x64': release('amd64'), 'linux-arm64': release('arm64') },
    go: {
      package: `k8s.io/kubernetes/cmd/${program}`,
      module: 'kubernetes',
      variables: [
        `k8s.io/component-base/version.gitVersion=v${KUBERNETES}`,
        `k8s.io/component-base/version.gitMajor=${major}`,
        `k8s.io/component-base/version.gitMinor=${minor}`,
      ],
      go: '1.26',
      seconds,
    },
  };
}
